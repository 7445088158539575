/**
 * The files of a recording: one of the program's process, and beside it one of each node process,
 * whose name begins with the first one's.
 */
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { GoawayError } from '../errors.ts'
import { type HistoryLine, parseLine, printLine } from './format.ts'
import { type MergedHistory, mergeHistory } from './merge.ts'

/** Names a file for a program that names none. */
export const historyVariable = 'GOAWAY_HISTORY'

/** Comes after the name of the first file, and before that of the part. */
const partInfix = '.part-'

/** Where a part of a recording lies. */
export function partFile(file: string, part: string): string {
  return `${file}${partInfix}${part}`
}

/** A part's name says whose it is: it is unique in its application. */
export function partNameOf({ place, name }: { place: number; name: string }): string {
  return `${place}-${name.replaceAll(/[^\w.-]/g, '_')}`
}

/** Whether it can be one, and so is no path that leads elsewhere. */
export function isPartName(text: string): boolean {
  return /^\d+-[\w.-]+$/.test(text)
}

/**
 * Begins a recording; what an earlier one left there is taken away.
 *
 * @param given as the program named it
 * @returns the full path
 * @throws {GoawayError} ERR_GOAWAY_CONFIG if it cannot be written, or holds something else
 */
export function createHistory(given: string, cwd: string): string {
  const file = resolve(cwd, given)
  try {
    refuseOther(file, given)
    writeFileSync(file, '')
    for (const part of partsOf(file)) rmSync(partFile(file, part))
  } catch (cause) {
    if (cause instanceof GoawayError) throw cause
    const why = (cause as Error).message
    const text = `Cannot record a history in ${given}: ${why}; name a file that can be written`
    throw new GoawayError('ERR_GOAWAY_CONFIG', text, { cause })
  }
  return file
}

/** A name that was mistyped must not cost anybody a file. */
function refuseOther(file: string, given: string): void {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found === undefined || found.size === 0) return
  const [first] = readFileSync(file, 'utf8').split('\n', 1)
  try {
    parseLine(first ?? '', 1)
  } catch (cause) {
    const text =
      `Cannot record a history in ${given}: the file is there and holds something else; ` +
      'name another, or remove it'
    throw new GoawayError('ERR_GOAWAY_CONFIG', text, { cause })
  }
}

/** Adds a line to a file that others may be writing to. */
export function appendLine(file: string, line: HistoryLine): void {
  const descriptor = openSync(file, 'a')
  try {
    writeSync(descriptor, `${printLine(line)}\n`)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Reads a history, finished or as a process that was killed has left it, with its parts.
 *
 * @throws {GoawayError} ERR_GOAWAY_HISTORY, naming the line, or the part that is missing
 */
export function readHistory(file: string): MergedHistory['operations'] {
  const { operations, missing } = readParts(file)
  const [lost] = missing
  if (lost === undefined) return operations
  throw new GoawayError(
    'ERR_GOAWAY_HISTORY',
    `Cannot read history ${file}: the part of ${lost.part} is missing, without which it says ` +
      `nothing; it lies at ${lost.where}: copy it to ${partFile(file, lost.part)}`,
  )
}

function readParts(file: string): MergedHistory {
  const parts = ['', ...partsOf(file)].map((name) => {
    const path = name === '' ? file : partFile(file, name)
    return { name, lines: readLines(path) }
  })
  return mergeHistory(parts)
}

/** Names of the parts that lie beside a file. */
export function partsOf(file: string): string[] {
  const prefix = `${basename(file)}${partInfix}`
  return readdirSync(dirname(file))
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length))
    .sort()
}

function readLines(path: string): HistoryLine[] {
  const texts = readFileSync(path, 'utf8').split('\n')
  const unfinished = texts.pop() ?? ''
  const lines = texts.map((text, at) => readLine(path, text, at + 1))
  if (unfinished === '') return lines
  const isRecording = lines.some((line) => 'id' in line)
  try {
    lines.push(readLine(path, unfinished, texts.length + 1))
  } catch (error) {
    // It was being written when a process was killed, so nobody has seen an effect of it.
    if (!isRecording) throw error
  }
  return lines
}

function readLine(path: string, text: string, number: number): HistoryLine {
  try {
    return parseLine(text, number)
  } catch (error) {
    const { message, cause } = error as GoawayError
    throw new GoawayError('ERR_GOAWAY_HISTORY', `${message} (${path})`, { cause })
  }
}

/**
 * Makes a history of a recording: one operation a line. Where parts are missing, all stays as it is
 * until they are there.
 *
 * @throws {GoawayError} ERR_GOAWAY_HISTORY for a file that was written to by somebody else
 */
export function finishHistory(file: string): MergedHistory {
  const merged = readParts(file)
  if (merged.missing.length > 0) return merged
  const lines = merged.operations.map((line) => `${printLine(line)}\n`)
  const whole = join(dirname(file), `.${basename(file)}.merging`)
  const descriptor = openSync(whole, 'w')
  try {
    for (let at = 0; at < lines.length; at += linesPerWrite) {
      writeSync(descriptor, lines.slice(at, at + linesPerWrite).join(''))
    }
    // All or nothing, also if the machine stops right after.
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  const parts = partsOf(file)
  renameSync(whole, file)
  for (const part of parts) rmSync(partFile(file, part))
  return merged
}

const linesPerWrite = 1_000
