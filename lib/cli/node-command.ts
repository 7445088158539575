/** `goaway node`: keeps a node on this machine, for one application after the other. */
import { hostname } from 'node:os'
import process from 'node:process'
import type { Argv, CommandModule } from 'yargs'
import { checkThreads } from '../client/threads-variable.ts'
import { credentialsFromInput } from '../deploy/credentials-line.ts'
import { storeDirectory } from '../deploy/goaway-home.ts'
import { launchDetached } from '../deploy/launch-detached.ts'
import { parseListen } from '../deploy/listen-address.ts'
import type { NodeStart } from '../deploy/node-start.ts'
import { loadCredentials } from '../deploy/secret.ts'
import { supervise } from '../deploy/supervise.ts'
import { eventLine, type SupervisorEvent } from '../deploy/supervisor.ts'
import { GoawayError } from '../errors.ts'
import type { Credentials } from '../transport/credentials.ts'

export interface NodeArguments {
  listen: string
  name?: string | undefined
  threads?: string | undefined
  'threads-max'?: string | undefined
  label?: string[] | undefined
  'secret-file'?: string | undefined
  cert?: string | undefined
  key?: string | undefined
  ca?: string | undefined
  stdin?: boolean | undefined
  detach?: boolean | undefined
}

export const nodeCommand: CommandModule<object, NodeArguments> = {
  command: 'node',
  describe: 'Keep a node on this machine, for one application after the other',
  builder: (parser) =>
    (parser as Argv<NodeArguments>)
      .usage('$0 node --listen host:port [options]')
      .option('listen', {
        type: 'string',
        default: '127.0.0.1:9060',
        requiresArg: true,
        describe: 'Address and port; without an address: only this machine, 127.0.0.1',
      })
      .option('name', { type: 'string', requiresArg: true, describe: 'For messages [hostname]' })
      .option('threads', {
        type: 'string',
        requiresArg: true,
        describe: 'Routines at a time [cores]',
      })
      .option('threads-max', {
        type: 'string',
        requiresArg: true,
        describe: 'Threads, with those of routines that wait',
      })
      .option('label', { type: 'string', array: true, describe: 'For the option `on` of routines' })
      .option('secret-file', {
        type: 'string',
        requiresArg: true,
        describe: 'The secret of the cluster [GOAWAY_SECRET, or ~/.goaway/secret]',
      })
      .option('key', { type: 'string', requiresArg: true, describe: 'Private key, PEM' })
      .option('cert', { type: 'string', requiresArg: true, describe: 'Certificate, PEM' })
      .option('ca', { type: 'string', requiresArg: true, describe: 'Authority, PEM' })
      .option('detach', { type: 'boolean', describe: 'Come back when it listens, and leave it' })
      .option('stdin', {
        type: 'boolean',
        describe: 'For launchers: credentials from standard input; JSON lines; end with the input',
      })
      .example('$0 node', 'for programs on this machine')
      .example('$0 node --listen 0.0.0.0:9060', 'for programs on all machines with the secret')
      .example('$0 node --listen [::]:9060 --label gpu', 'the same, IPv6 as well')
      .epilogue(
        'Exit codes: 0 ended by a signal or by "goaway down", 1 the node cannot be started, ' +
          '2 wrong arguments.',
      ),
  handler: (given) => keepNode(given),
}

/** @param program stands in for the node process, in tests */
export async function keepNode(given: NodeArguments, program?: string): Promise<void> {
  const listen = parseListen(given.listen)
  const name = given.name ?? hostname()
  const input = given.stdin === true ? await credentialsFromInput(process.stdin) : undefined
  const start = nodeStart(given, listen, name, input?.credentials ?? ownCredentials(given))
  if (given.detach === true) {
    const { port, pid, logFile } = await launchDetached({ name, start, program })
    const event = {
      type: 'listening',
      name,
      host: listen.host,
      port,
      incarnation: '',
      pid,
    } as const
    console.log(given.stdin ? JSON.stringify(event) : `${eventLine(event)}; log: ${logFile}`)
    process.exit(0)
  }
  process.title = `goaway node ${name} (supervisor)`
  const tell = (event: SupervisorEvent): void =>
    console.log(given.stdin === true ? JSON.stringify(event) : eventLine(event))
  await supervise({ name, start, tell, program }, input?.ended)
  // Standard input may be open yet.
  process.exit(0)
}

function nodeStart(
  given: NodeArguments,
  listen: NodeStart['listen'],
  name: string,
  credentials: Credentials,
): NodeStart {
  const { threads, 'threads-max': threadsMax } = given
  return {
    listen,
    credentials,
    name,
    labels: given.label ?? [],
    storeDirectory: storeDirectory(),
    ...(threads !== undefined && { threads: checkThreads('--threads', threads) }),
    ...(threadsMax !== undefined && { threadsMax: checkThreads('--threads-max', threadsMax) }),
  }
}

function ownCredentials({ key, cert, ca, 'secret-file': secretFile }: NodeArguments): Credentials {
  if (key !== undefined && cert !== undefined && ca !== undefined) {
    return loadCredentials({ certificates: { key, cert, ca } })
  }
  if (key === undefined && cert === undefined && ca === undefined) {
    return loadCredentials(secretFile === undefined ? {} : { secretFile })
  }
  throw new GoawayError('ERR_GOAWAY_CONFIG', 'Cannot use certificates: give --key, --cert and --ca')
}
