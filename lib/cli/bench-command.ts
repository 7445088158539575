/** `goaway bench`: what each model costs, here or on the nodes of a cluster file. */
import process from 'node:process'
import type { Argv, CommandModule } from 'yargs'
import { benchMachine } from '../bench/bench-machine.ts'
import { runMatrix } from '../bench/matrix.ts'
import {
  type MatrixFilter,
  operationNames,
  placementNames,
  storeNames,
} from '../bench/matrix-plan.ts'
import type { BenchReport } from '../bench/report-data.ts'
import { showReport, writeReport } from '../bench/write-report.ts'
import { readCluster } from '../deploy/cluster-file.ts'
import { checkNodes, clusterOfNodes, nodesMaxOf, nodesOfArgument } from './bench-cluster.ts'
import { progressTo } from './bench-progress.ts'
import { clusterVariable } from './cluster-argument.ts'

interface BenchArguments {
  cluster?: string | undefined
  quick: boolean
  json?: boolean | undefined
  output?: string | undefined
  store?: MatrixFilter['stores']
  operation?: MatrixFilter['operations']
  placement?: MatrixFilter['placements']
  nodes?: string[] | undefined
}

/** Given once or several times. */
const list = { type: 'string', array: true, requiresArg: true } as const

export const benchCommand: CommandModule<object, BenchArguments> = {
  command: 'bench [cluster]',
  describe: 'Measure what each consistency model costs',
  builder: (parser) =>
    (parser as Argv<BenchArguments>)
      .usage('$0 bench [cluster.yaml] [--quick] [--output folder]')
      .positional('cluster', {
        type: 'string',
        describe:
          'Cluster file whose nodes take part [default: GOAWAY_CLUSTER, or nodes on this machine]',
      })
      .option('quick', {
        type: 'boolean',
        default: false,
        describe: 'Less than a minute: 1 and 3 nodes, few rounds',
      })
      .option('json', { type: 'boolean', describe: 'What was measured, as JSON' })
      .option('output', {
        type: 'string',
        requiresArg: true,
        describe: 'Folder for report.json and report.html, a page with charts',
      })
      .option('store', { ...list, choices: storeNames, describe: 'Only these models' })
      .option('operation', { ...list, choices: operationNames, describe: 'Only these operations' })
      .option('placement', { ...list, choices: placementNames, describe: 'Only asked for there' })
      .option('nodes', {
        ...list,
        describe: 'Numbers of nodes, this process included [default: 1 to 5]',
      })
      .example('$0 bench --quick', 'which model for which share of reads, on this machine')
      .example('$0 bench cluster.yaml --output report', 'on your own nodes, as a page')
      .example('$0 bench --store LinFastRead --nodes 2 3', 'one model, with one and two more nodes')
      .epilogue(
        'Exit codes: 0 measured, 1 failed, 2 the arguments or the cluster file make no sense.',
      ) as Argv<BenchArguments>,
  handler: bench,
}

async function bench(given: BenchArguments): Promise<void> {
  const { cluster = process.env[clusterVariable] || undefined, quick, json, output } = given
  const config = cluster === undefined ? undefined : readCluster(cluster)
  const nodesMax = nodesMaxOf(config)
  const nodes = given.nodes && nodesOfArgument(given.nodes)
  checkNodes(nodes, nodesMax)
  // Or the part without a cluster would have one.
  delete process.env[clusterVariable]
  const started = new Date()
  const teller = progressTo(process.stderr)
  const result = await runMatrix({
    quick,
    stores: given.store,
    operations: given.operation,
    placements: given.placement,
    nodes,
    nodesMax,
    clusterOf: config && clusterOfNodes(config),
    onProgress: teller.progress,
  }).finally(() => teller.end())
  const report: BenchReport = {
    version: 1,
    mode: quick ? 'quick' : 'full',
    started: started.toISOString(),
    tookMs: Date.now() - started.getTime(),
    machine: benchMachine(),
    targets: [],
    workloads: [],
    ...result,
  }
  console.log(json === true ? JSON.stringify(report, null, 2) : showReport(report))
  if (output === undefined) return
  const { html, json: file } = await writeReport(report, output)
  console.error(`Written to ${html} and ${file}`)
}
