/** What fails is run again by `npm run proof:stores -- --store lin-fast-read --seed n`. */
import t from 'tap'
import { testSeeds } from './store-seeds.ts'

testSeeds(t, 'lin-fast-read')
