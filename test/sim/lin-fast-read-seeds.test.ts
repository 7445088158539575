/** What fails is run again by `npm run proof:stores -- --store lin-fast-read --seed n`. */
import { testSeeds } from './store-seeds.ts'

testSeeds('lin-fast-read')
