/** What fails is run again by `npm run proof:stores -- --store strict --seed n`. */
import t from 'tap'
import { testSeeds } from './store-seeds.ts'

testSeeds(t, 'strict')
