// Every interleaving of a writer and readers of a replica: docs/replicas.md, "Why it is sound".
import t from 'tap'
import { type Scenario, type SteppingLibrary, walkThrough } from './interleave.ts'
import { type Fault, importStepping } from './stepping.ts'

const statesMax = 30_000

/** Small memory, so that blocks and segments are added and records come back at once. */
const limits = { segmentBytes: 1024, directoryBytesMin: 64, replicaAttemptsMax: 2 }
/** Records are used again at once, where that is looked at: it makes many more states. */
const reusing = { ...limits, retiredRecordsMax: 1 }

const load = async (scenario: Scenario, fault?: Fault): Promise<SteppingLibrary> => {
  const bounds = scenario === scenarios.reuse ? reusing : limits
  return (await importStepping(bounds, fault)) as unknown as SteppingLibrary
}

const scenarios = {
  release: {
    releases: [
      { x: 1, y: 1 },
      { x: 2, y: 2 },
    ],
    readers: [['x', 'y']],
    known: ['x', 'y'],
  },
  reuse: {
    releases: [{ x: 1 }, { x: 2 }, { x: 3 }],
    readers: [['x']],
  },
  readers: {
    releases: [{ x: 1 }, { x: 2 }],
    readers: [['x'], ['x']],
    known: ['x'],
  },
  locked: {
    releases: [{ x: 1, y: 1 }, { x: 'locked', y: 2 }, { x: 1 }],
    readers: [['y', 'x']],
  },
  added: {
    releases: [{ x: 1 }, { x: 2, 'a field with a long name': 2, another: 2 }],
    readers: [['x', 'another', 'a field with a long name']],
    known: ['x', 'another'],
  },
  moved: {
    releases: [{ x: 1, y: 1 }, { x: 0, y: 0 }, { y: 3 }],
    readers: [['y', 'x']],
    known: ['x', 'y'],
    options: { absentCellsMax: 0 },
  },
  elsewhere: {
    releases: [{ x: 1, y: 1 }, { x: 'elsewhere', y: 2 }, { x: 2 }],
    readers: [['x', 'y']],
    known: ['y'],
  },
  worn: {
    releases: [{ x: 1 }, { x: 2 }],
    readers: [['x', 'x']],
    known: ['x'],
    options: { changesMax: 2 },
  },
} as const satisfies Record<string, Scenario>

t.test('whatever comes between, reads are whole, current and of whole releases', async (t) => {
  for (const [name, scenario] of Object.entries(scenarios)) {
    const walk = walkThrough(await load(scenario), scenario, statesMax)
    t.equal(walk.violation, null, name)
    t.ok(walk.reads > 0, 'something was read')
    const { states, ends, reads, asks } = walk
    t.comment(`${name}: ${states} states, ${ends} ends, ${reads} reads, ${asks} asks`)
  }
})

/** In which scenario it shows, and what is said of it. */
type Mutant = readonly [scenario: Scenario, fault: Fault, violation: RegExp]

const saysItReads =
  'Atomics.store(threadWords, wordReading, Atomics.load(this.#hubWords, wordEpoch))'

const mutants: Readonly<Record<string, Mutant>> = {
  'a reader does not say that it reads': [
    scenarios.reuse,
    {
      file: 'replica-reader.js',
      from: saysItReads,
      to: '0',
    },
    /written over/,
  ],
  'a reader says anew that it reads when it has loaded the place': [
    scenarios.reuse,
    {
      file: 'replica-reader.js',
      from: 'if (segment !== undefined)\n',
      to: `${saysItReads};\nif (segment !== undefined)\n`,
    },
    /written over/,
  ],
  'records are used again an epoch too soon': [
    scenarios.reuse,
    { file: 'record-heap.js', from: 'epoch >= oldest', to: 'epoch > oldest' },
    /written over/,
  ],
  'a reader does not look whether the cell has changed': [
    scenarios.elsewhere,
    {
      file: 'replica-reader.js',
      from: "Atomics.load(cell.words, cell.at) === word ? 'read' : 'changed'",
      to: "'read'",
    },
    /was read in version|under one word/,
  ],
  'cells are not locked while they change': [
    scenarios.release,
    {
      file: 'published-object.js',
      from: 'Atomics.store(words, at, (state & ~bitElsewhere) | bitLocked);\n        return known',
      to: 'return known',
    },
    /was read in version|under one word/,
  ],
  'what is appended is not told': [
    scenarios.added,
    { file: 'replica-writer.js', from: 'object.commit()', to: '0' },
    /was read in version/,
  ],
  'cells are unlocked before what is appended is told': [
    scenarios.added,
    {
      file: 'published-object.js',
      from: 'this.#firstOpen = this.#blocks.length - 1',
      to: 'this.#firstOpen = this.#blocks.length',
    },
    /was read in version/,
  ],
  'the cells of an object that moves stay open': [
    scenarios.moved,
    {
      file: 'published-object.js',
      from: 'Atomics.store(words, at, (state & ~bitElsewhere) | bitLocked);\n            if',
      to: 'if',
    },
    /was read in version/,
  ],
  'the blocks of an object that moves are not marked': [
    scenarios.moved,
    { file: 'published-object.js', from: 'Atomics.or(words, blockHead, flagMoved)', to: '0' },
    /asked for|was read in version/,
  ],
}

t.test('a fault is found', async (t) => {
  for (const [name, [scenario, fault, violation]] of Object.entries(mutants)) {
    const walk = walkThrough(await load(scenario, fault), scenario, statesMax)
    t.match(walk.violation, violation, name)
  }
  const reuse = { ...scenarios.reuse, options: { noGrace: true } }
  t.match(
    walkThrough(await load(scenarios.reuse), reuse, statesMax).violation,
    /written over/,
    'no grace',
  )
})
