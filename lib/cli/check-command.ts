/** `goaway check`: whether a history keeps what was promised. */
import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import type { Argv, CommandModule } from 'yargs'
import {
  type CheckProgress,
  type CheckResult,
  check,
  draw,
  drawSvg,
  type History,
  type ModelName,
  parseHistory,
} from '../check.ts'
import { GoawayError } from '../errors.ts'
import { partFile, partsOf } from '../history/history-file.ts'

interface CheckArguments {
  history: string
  model?: ModelName | undefined
  json?: boolean | undefined
  svg?: string | undefined
  timeout?: number | undefined
}

/** 2 is for what makes no sense, as everywhere. */
const exitCodes = { ok: 0, illegal: 1, unknown: 3 } as const
const models: readonly ModelName[] = ['linearizable', 'sequential', 'causal', 'fifo']
/** Between two words about how far it is. */
const progressMs = 200

export const checkCommand: CommandModule<object, CheckArguments> = {
  command: 'check <history>',
  describe: 'Check a history against what was promised',
  builder: (parser) =>
    (parser as Argv<CheckArguments>)
      .usage('$0 check <history.jsonl> [--model name]')
      .positional('history', {
        type: 'string',
        demandOption: true,
        describe: 'File of operations, or - for the standard input',
      })
      .option('model', {
        choices: models,
        requiresArg: true,
        describe: 'What to check against [default: what each store promises]',
      })
      .option('json', { type: 'boolean', describe: 'What was found, as JSON' })
      .option('svg', { type: 'string', requiresArg: true, describe: 'Draw into this file, too' })
      .option('timeout', {
        type: 'number',
        requiresArg: true,
        describe: 'Seconds after which what is not decided is unknown [default: a bound of steps]',
      })
      .example('$0 check history.jsonl', 'what init({ history }) recorded')
      .example('$0 check --model sequential - < history.jsonl', 'of the standard input')
      .epilogue(
        'Exit codes: 0 ok, 1 illegal, 2 the arguments or the history make no sense, 3 unknown.',
      ) as Argv<CheckArguments>,
  handler: checkFile,
}

async function checkFile(given: CheckArguments): Promise<void> {
  const { history, model, json, svg, timeout } = given
  const result = check(readHistory(history), {
    model,
    timeMsMax: timeout === undefined ? undefined : timeout * 1000,
    onProgress: process.stderr.isTTY ? progressLine() : undefined,
  })
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  console.log(json === true ? JSON.stringify(result, null, 2) : draw(result))
  if (svg !== undefined) writeDrawing(svg, result)
  process.exitCode = exitCodes[result.verdict]
}

function readHistory(file: string): History {
  // Of a lone dash, yargs leaves nothing.
  if (file === '-' || file === '') return parseHistory(readText(process.stdin.fd, '-'))
  const text = readText(file, file)
  const parts = partsOf(file).map((name) => {
    const path = partFile(file, name)
    return { name, text: readText(path, path) }
  })
  return parseHistory(text, parts)
}

function readText(from: number | string, name: string): string {
  try {
    return readFileSync(from, 'utf8')
  } catch (cause) {
    const why = (cause as Error).message
    throw new GoawayError('ERR_GOAWAY_CONFIG', `Cannot read history ${name}: ${why}`, { cause })
  }
}

function writeDrawing(file: string, result: CheckResult): void {
  try {
    writeFileSync(file, drawSvg(result))
  } catch (cause) {
    const why = (cause as Error).message
    throw new GoawayError('ERR_GOAWAY_CONFIG', `Cannot draw into ${file}: ${why}`, { cause })
  }
}

function progressLine(): (progress: CheckProgress) => void {
  let told = performance.now()
  return ({ done, parts, steps }) => {
    if (performance.now() - told < progressMs) return
    told = performance.now()
    const text = `part ${done + 1} of ${parts}, ${steps.toLocaleString('en')} steps`
    process.stderr.write(`\r\x1b[K${text}`)
  }
}
