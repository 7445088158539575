/**
 * Routines that train one small model together: a logistic regression whose weights they share,
 * each with its part of the data. An example touches five weights of a hundred, so two routines
 * seldom touch the same one at a time, and where they do, one step is lost, which training hardly
 * minds. That is Hogwild (Recht and others, 2011), and asks nothing of its memory but that changes
 * arrive some time: `Weak`. With `StrictCentralized` fewer steps are lost, for changes arrive at
 * once, and each waits for the master: the loss is a little less, and the time a lot more.
 */
import { goaway, isSpawner } from 'goaway'
import { StrictCentralized, Weak } from 'goaway/sync'

const weightCount = 100
const activeCount = 5
const exampleCount = 1_500
const workers = 4
const rate = 0.5

/** What holds of an example: the features that it has, by the names of their weights. */
export interface Example {
  readonly features: readonly string[]
  readonly label: 0 | 1
}

const names = Array.from({ length: weightCount }, (_, n) => `w${n}`)
const zeros = Object.fromEntries(names.map((name) => [name, 0]))
const models = { Weak: Weak<typeof zeros>, StrictCentralized: StrictCentralized<typeof zeros> }
type Model = keyof typeof models
const openWeights = (model: Model, name: string) => models[model](name, zeros)

interface Weights {
  get(name: string): number
  set(name: string, value: number): void
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

function predict(weights: Weights, features: readonly string[]): number {
  return sigmoid(features.reduce((sum, name) => sum + weights.get(name), 0))
}

/** Stochastic gradient descent: one step an example. */
function descend(weights: Weights, examples: readonly Example[]): void {
  for (const { features, label } of examples) {
    const error = predict(weights, features) - label
    for (const name of features) weights.set(name, weights.get(name) - rate * error)
  }
}

/**
 * One worker's part. The weights change below its hands, and that is all right.
 *
 * @returns the milliseconds that its steps took
 */
export function train(model: Model, name: string, examples: readonly Example[]): number {
  const weights = openWeights(model, name)
  const start = performance.now()
  descend(weights, examples)
  const ms = performance.now() - start
  if (model === 'Weak') Weak(name).sync()
  return ms
}

/** Numbers from 0 to 1 that are the same in each run (mulberry32). */
function startRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Examples of weights that are hidden from the routines, who are to find them. */
function makeExamples(): Example[] {
  const random = startRandom(1)
  const hidden = new Map(names.map((name) => [name, random() * 4 - 2]))
  return Array.from({ length: exampleCount }, () => {
    const features = new Set<string>()
    while (features.size < activeCount) {
      features.add(names[Math.floor(random() * weightCount)] as string)
    }
    const sum = [...features].reduce((total, name) => total + (hidden.get(name) as number), 0)
    return { features: [...features], label: random() < sigmoid(2 * sum) ? 1 : 0 }
  })
}

/** The mean surprise at the labels: 0.693 is to know nothing. */
function loss(weights: Weights, examples: readonly Example[]): number {
  const surprises = examples.map(({ features, label }) => {
    const likely = predict(weights, features)
    return -Math.log(label === 1 ? likely : 1 - likely)
  })
  return surprises.reduce((sum, surprise) => sum + surprise, 0) / examples.length
}

/** Weights of one's own, for what a plain loop reaches. */
function ownWeights(fields: Readonly<Record<string, number>>): Weights {
  const weights = new Map(Object.entries(fields))
  return {
    get: (name) => weights.get(name) as number,
    set: (name, value) => weights.set(name, value),
  }
}

async function trainTogether(
  model: Model,
  name: string,
  examples: readonly Example[],
): Promise<number> {
  const share = Math.ceil(examples.length / workers)
  const times = await Promise.all(
    Array.from({ length: workers }, (_, worker) =>
      goaway(train, model, name, examples.slice(worker * share, (worker + 1) * share)),
    ),
  )
  return times.reduce((sum, ms) => sum + ms, 0)
}

function report(name: string, reached: number, stepsMs?: number, ms = stepsMs): void {
  const columns = [name.padEnd(18), `loss ${reached.toFixed(3)}`]
  if (stepsMs !== undefined && ms !== undefined) {
    columns.push(
      `after ${ms.toFixed(0)} ms, a step ${((stepsMs / exampleCount) * 1000).toFixed(0)} µs`,
    )
  }
  console.log(columns.join(' '))
}

async function main(): Promise<void> {
  const examples = makeExamples()
  const tried = Object.keys(models) as Model[]
  // The first steps are slow, whatever the model: threads start, and all is still to be compiled.
  for (const model of tried) await trainTogether(model, 'warm-up', examples)
  console.log(`${exampleCount} steps, by ${workers} routines where weights are shared:`)
  report('untrained', loss(ownWeights(zeros), examples))
  for (const model of tried) {
    const start = performance.now()
    const stepsMs = await trainTogether(model, 'weights', examples)
    const ms = performance.now() - start
    const reached = loss(ownWeights(openWeights(model, 'weights').snapshot()), examples)
    report(model, reached, stepsMs, ms)
  }
  const own = ownWeights(zeros)
  const start = performance.now()
  descend(own, examples)
  const ms = performance.now() - start
  report('a plain loop', loss(own, examples), ms)
}

if (isSpawner) await main()
