/** What fails is run again by `npm run proof:stores -- --store update-on-release --seed n`. */
import t from 'tap'
import { testSeeds } from './store-seeds.ts'

testSeeds(t, 'update-on-release')
