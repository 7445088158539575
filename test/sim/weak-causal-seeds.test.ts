/** What fails is run again by `npm run proof:stores -- --store weak-causal --seed n`. */
import { testSeeds } from './store-seeds.ts'

testSeeds('weak-causal')
