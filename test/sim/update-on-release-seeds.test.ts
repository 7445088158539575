/** What fails is run again by `npm run proof:stores -- --store update-on-release --seed n`. */
import { testSeeds } from './store-seeds.ts'

testSeeds('update-on-release')
