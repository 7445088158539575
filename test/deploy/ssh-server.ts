/** A real sshd on loopback for one test, with keys of its own, and an `ssh` that knows it. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, chmodSync, constants, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { freePort } from './stand-in.ts'

export interface SshServer {
  /** What GOAWAY_SSH names; others lack the user's key, or do not know the host's. */
  readonly ssh: string
  readonly sshWithoutKey: string
  readonly sshWithoutHost: string
  close(): Promise<void>
}

/** sshd wants to be started by its full path; it is often outside of a user's PATH. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

function makeKey(path: string): void {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path])
}

function writeProgram(path: string, config: string): string {
  writeFileSync(`${path}.config`, config)
  writeFileSync(path, `#!/bin/sh\nexec ssh -F '${path}.config' "$@"\n`)
  chmodSync(path, 0o755)
  return path
}

export async function startSshServer(folder: string, sshd: string): Promise<SshServer> {
  const at = (name: string): string => join(folder, name)
  for (const key of ['host', 'user', 'stranger']) makeKey(at(key))
  const port = await freePort()
  const hostKey = readFileSync(at('host.pub'), 'utf8')
  writeFileSync(at('known'), `[127.0.0.1]:${port} ${hostKey}`)
  writeFileSync(at('none'), '')
  const serverConfig = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${at('host')}`,
    `AuthorizedKeysFile ${at('user.pub')}`,
    'PidFile none',
    'UsePAM no',
    // The folder of a test may belong to anybody.
    'StrictModes no',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
  ]
  writeFileSync(at('sshd.config'), `${serverConfig.join('\n')}\n`)
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const server = spawn(sshd, ['-D', '-e', '-f', at('sshd.config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let text = ''
  await new Promise<void>((resolve, reject) => {
    server.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.includes('Server listening')) resolve()
    })
    server.once('exit', (code) => reject(new Error(`sshd ended with ${code}: ${text}`)))
  })
  const config = (key: string, known: string): string =>
    [
      `Port ${port}`,
      `IdentityFile ${at(key)}`,
      'IdentitiesOnly yes',
      `UserKnownHostsFile ${at(known)}`,
      'GlobalKnownHostsFile none',
      'StrictHostKeyChecking yes',
      '',
    ].join('\n')
  return {
    ssh: writeProgram(at('ssh'), config('user', 'known')),
    sshWithoutKey: writeProgram(at('ssh-stranger'), config('stranger', 'known')),
    sshWithoutHost: writeProgram(at('ssh-unknown'), config('user', 'none')),
    close: async () => {
      const over = once(server, 'exit')
      server.kill()
      await over
    },
  }
}
