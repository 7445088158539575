import { execFileSync } from 'node:child_process'
import process from 'node:process'
import t from 'tap'
import type { NodeConfig } from '../../lib/deploy/cluster-config.ts'
import { listenHost, quoteWord, sshCommand, sshRemedy } from '../../lib/deploy/ssh-command.ts'

const node: NodeConfig = { index: 1, name: 'far', host: '10.0.0.2', port: 9060, labels: [] }

t.test('quoteWord() gives a shell the word as it is', async (t) => {
  const words = [
    'plain',
    '',
    "it's",
    'a b',
    '$HOME',
    '`id`',
    '"',
    '\\',
    'a\nb',
    '*',
    '~',
    ';',
    '-x',
  ]
  const line = `printf '%s|' ${words.map(quoteWord).join(' ')}`
  t.equal(execFileSync('sh', ['-c', line], { encoding: 'utf8' }), `${words.join('|')}|`)
})

t.test('sshCommand() tells ssh to ask nothing, and goaway to read its secret', async (t) => {
  delete process.env.GOAWAY_SSH
  t.same(sshCommand(node, false), {
    program: 'ssh',
    options: [
      '-T',
      '-o',
      'BatchMode=yes',
      '--',
      '10.0.0.2',
      'goaway node --listen=10.0.0.2:9060 --name=far --stdin',
    ],
  })
  const more = {
    user: 'me',
    identityFile: 'key',
    command: 'nice goaway',
    threads: 2,
    threadsMax: 9,
  }
  const { options } = sshCommand({ ...node, ...more, labels: ['big'] }, true)
  t.same(options.slice(3, -3), ['-i', 'key', '-l', 'me'])
  t.equal(
    options.at(-1),
    'nice goaway node --listen=10.0.0.2:9060 --name=far --label=big --threads=2 --threads-max=9 ' +
      '--stdin --detach',
  )
})

t.test('A node is listened for where its host leads', async (t) => {
  for (const [host, listened] of [
    ['10.0.0.2', '10.0.0.2'],
    ['fd00::2', 'fd00::2'],
    ['localhost', '127.0.0.1'],
    ['machine-2', '0.0.0.0'],
  ] as const) {
    t.equal(listenHost(host), listened)
  }
  t.match(sshCommand({ ...node, host: 'fd00::2' }, false).options.at(-1), /'?--listen=\[fd00::2\]:/)
})

t.test('sshRemedy() knows what ssh and shells write', async (t) => {
  const cases: [number, string, RegExp][] = [
    [127, 'sh: 1: goaway: not found', /goaway is not found there/],
    [127, "env: 'node': No such file or directory", /goaway is not found there/],
    [255, 'me@h: Permission denied (publickey).', /ssh-copy-id/],
    [255, 'Host key verification failed.', /accept the key/],
    [255, 'ssh: Could not resolve hostname h: Name or service not known', /no host of that name/],
    [255, 'ssh: connect to host h port 22: Connection refused', /no sshd answers/],
    [2, 'Unknown arguments: name, stdin; see goaway node --help', /another version/],
    [1, 'something else', /try by hand: ssh 10\.0\.0\.2 'goaway --version'/],
  ]
  for (const [code, text, remedy] of cases) t.match(sshRemedy(node, { code, text }), remedy, text)
})
