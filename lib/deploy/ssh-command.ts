/** What ssh is told: the system's own, with the user's configuration; GOAWAY_SSH names another. */
import { isIP } from 'node:net'
import process from 'node:process'
import type { NodeConfig } from './cluster-config.ts'
import { addressText } from './listen-address.ts'

export interface SshCommand {
  readonly program: string
  readonly options: readonly string[]
}

/** One word for any shell of the Bourne family, and for fish. */
export function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/**
 * Where a node listens that others reach by its host: an address is meant as it stands; a name may
 * mean another address on the machine itself (such as 127.0.1.1), so then it is all of them.
 */
export function listenHost(host: string): string {
  if (host === 'localhost') return '127.0.0.1'
  return isIP(host) === 0 ? '0.0.0.0' : host
}

/** `goaway node` on that machine; `detach`: it stays there. */
export function sshCommand(node: NodeConfig, detach: boolean): SshCommand {
  const { host, port, name, user, identityFile, labels, threads, threadsMax } = node
  const remote = [
    `--listen=${addressText({ host: listenHost(host), port })}`,
    `--name=${name}`,
    ...labels.map((label) => `--label=${label}`),
    ...(threads === undefined ? [] : [`--threads=${threads}`]),
    ...(threadsMax === undefined ? [] : [`--threads-max=${threadsMax}`]),
    '--stdin',
    ...(detach ? ['--detach'] : []),
  ]
  // The command is the user's own text for the shell over there, with variables if they like.
  const command = `${node.command ?? 'goaway'} node ${remote.map(quoteWord).join(' ')}`
  return {
    program: process.env.GOAWAY_SSH || 'ssh',
    options: [
      '-T',
      // Nobody is there to type a password.
      ...['-o', 'BatchMode=yes'],
      ...(identityFile === undefined ? [] : ['-i', identityFile]),
      ...(user === undefined ? [] : ['-l', user]),
      '--',
      host,
      command,
    ],
  }
}

/** What to look at, by what ssh or the remote shell wrote. */
export function sshRemedy(
  node: NodeConfig,
  { code, text }: { readonly code: number | null; readonly text: string },
): string {
  const to = node.user === undefined ? node.host : `${node.user}@${node.host}`
  const known: readonly (readonly [RegExp, string])[] = [
    [
      /Host key verification failed|authenticity of host/i,
      `its key is not known here; run "ssh ${to}" once, and compare and accept the key`,
    ],
    [
      /Permission denied|Too many authentication failures/i,
      `it does not let you in without a password; run "ssh-copy-id ${to}", or give the node ` +
        '`user` or `identityFile`',
    ],
    [/Could not resolve hostname/i, 'there is no host of that name; correct `host`'],
    [
      /connect to host|Connection (refused|timed out|closed|reset)/i,
      'no sshd answers there; see that it runs, and that the firewall lets you pass',
    ],
    [
      /(Unknown|Missing) (argument|command)|Unknown arguments/i,
      'goaway there is of another version; install the same on all machines',
    ],
  ]
  const found = known.find(([pattern]) => pattern.test(text))
  if (found !== undefined) return found[1]
  if (code === 127 || /command not found|No such file or directory/i.test(text)) {
    return (
      'goaway is not found there; run "npm install --global goaway" on it, or give the node ' +
      '`command` with the full path (a shell that is not interactive may have another PATH)'
    )
  }
  return `try by hand: ssh ${to} ${quoteWord(`${node.command ?? 'goaway'} --version`)}`
}
