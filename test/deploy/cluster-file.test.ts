import { writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { ClusterConfig } from '../../lib/deploy/cluster-config.ts'
import { readCluster } from '../../lib/deploy/cluster-file.ts'
import { GoawayError } from '../../lib/errors.ts'

const folder = t.testdir()

function readText(text: string, name = 'cluster.yaml'): ClusterConfig {
  writeFileSync(join(folder, name), text)
  return readCluster(name, folder)
}

/** The message it is refused with. */
function refusal(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    if (error instanceof GoawayError && error.code === 'ERR_GOAWAY_CONFIG') return error.message
    throw error
  }
  throw new Error('it was not refused')
}

t.test('readCluster() reads the file of the README, in YAML and in JSON', async (t) => {
  const config = readText(`
nodes:
  - ubuntu@10.0.0.2:9061
  - { host: 10.0.0.3, user: ubuntu, threads: 8, labels: [big], name: large, command: npx goaway }
  - big-host
launch: ssh
placement: hash
secretFile: ~/secret
assets: [data/**]
threads: 0
nodeTimeoutMs: 1000
`)
  t.same(config, {
    nodes: [
      {
        index: 1,
        name: '10.0.0.2:9061',
        host: '10.0.0.2',
        port: 9061,
        user: 'ubuntu',
        labels: [],
      },
      {
        index: 2,
        name: 'large',
        host: '10.0.0.3',
        port: 9060,
        user: 'ubuntu',
        threads: 8,
        labels: ['big'],
        command: 'npx goaway',
      },
      { index: 3, name: 'big-host:9060', host: 'big-host', port: 9060, labels: [] },
    ],
    launch: 'ssh',
    placement: 'hash',
    credentialsFrom: { secretFile: join(homedir(), 'secret') },
    assets: ['data/**'],
    root: folder,
    file: join(folder, 'cluster.yaml'),
    nodeTimeoutMs: 1000,
    linkGraceMs: 500,
    sessionMs: 1000,
    startTimeoutMs: 20_000,
    threads: 0,
  })
  const text = JSON.stringify({ nodes: ['a:1'], certificates: { key: 'k', cert: 'c', ca: '/ca' } })
  const json = readText(text, 'cluster.json')
  t.equal(json.launch, 'none')
  t.same(json.credentialsFrom, {
    certificates: { key: join(folder, 'k'), cert: join(folder, 'c'), ca: '/ca' },
  })
})

t.test('readCluster() takes an object, and a number of local nodes', async (t) => {
  const config = readCluster({ nodes: 2 }, folder)
  t.equal(config.launch, 'local')
  t.equal(config.root, folder)
  t.notOk('file' in config)
  t.same(
    config.nodes.map(({ name, host, port }) => [name, host, port]),
    [
      ['node-1', '127.0.0.1', 0],
      ['node-2', '127.0.0.1', 0],
    ],
  )
  const listed = readCluster({ launch: 'local', nodes: [{ labels: ['big'] }, { name: 'x' }] }, '/')
  t.same(
    listed.nodes.map(({ name, labels }) => [name, labels]),
    [
      ['node-1', ['big']],
      ['x', []],
    ],
  )
  t.same(structuredClone(config), config, 'it can be posted')
})

t.test('readCluster() understands addresses', async (t) => {
  const { nodes } = readCluster({ nodes: ['[::1]:9000', 'me@[fe80::1%eth0]', 'm.x-y_z'] }, folder)
  t.same(
    nodes.map(({ name, host, port, user }) => [name, host, port, user]),
    [
      ['[::1]:9000', '::1', 9000, undefined],
      ['[fe80::1%eth0]:9060', 'fe80::1%eth0', 9060, 'me'],
      ['m.x-y_z:9060', 'm.x-y_z', 9060, undefined],
    ],
  )
  const wrong = ['', 'a:0', 'a:65536', 'a:b', '::1', '@a', '-oProxyCommand=x', '-l@a', 'a b', '[]']
  for (const node of wrong) {
    t.match(
      refusal(() => readCluster({ nodes: [node] }, folder)),
      /nodes\[0\] is .*it has to be /,
    )
  }
})

t.test('readCluster() names file, line, path, value and what is allowed', async (t) => {
  const cases: [text: string, message: string | RegExp][] = [
    [
      'nodes:\n  - a\n  - host: b\n    port: 70000\n',
      'Cannot use cluster file cluster.yaml:4: nodes[1].port is 70000; it has to be a whole ' +
        'number from 1 to 65535',
    ],
    ['nodes: [a]\nlaunch: rsh\n', /yaml:2: launch is 'rsh'; it has to be ssh, none or local$/],
    ['nodes: [a]\n\nthread: 4\n', /yaml:3: thread is 4; there is no such key; the keys are nodes,/],
    ['nodes:\n- host: a\n  prot: 1\n', /yaml:3: nodes\[0\].prot is 1; .* keys are host, port,/],
    ['launch: none\n', /nodes is undefined; it is missing/],
    ['nodes: []\n', /yaml:1: nodes is \[\]; it has to name one node at least/],
    ['nodes: 2\nlaunch: ssh\n', /yaml:1: nodes is 2; with launch: ssh .* list of nodes/],
    ['nodes: 0\n', /nodes is 0; it has to be a whole number from 1 to 256/],
    ['nodes: two\n', /nodes is 'two'; it has to be a list of nodes, or the number/],
    ['nodes:\n- {}\n', /nodes\[0\] is {}; its host is missing/],
    ['nodes: [a, 3]\n', /nodes\[1\] is 3; it has to be 'user@host:port'/],
    ['nodes: [a]\nassets: [../x]\n', /assets\[0\] is '..\/x'; it has to be relative/],
    ['nodes: [a]\nassets: [/etc/passwd]\n', /assets\[0\] .* has to be relative/],
    ['nodes: [a]\nlinkGraceMs: 9000\n', /linkGraceMs is 9000; it has to be less than nodeTime/],
    ['nodes: [a]\nsessionMs: 9000\n', /sessionMs is 9000; it has to be nodeTimeoutMs \(5000\) or/],
    ['nodes: [a]\nsessionMs: 99\n', /sessionMs is 99; it has to be a whole number from 100/],
    ['nodes: [a]\nthreads: 4\nthreadsMax: 2\n', /threadsMax is 2; it has to be at least threads/],
    ['nodes: [a, a:9060]\n', /nodes\[1\] is 'a:9060'; node 1 of the list has the same address/],
    ['nodes: [{host: a, name: x}, {host: b, name: x}]\n', /nodes\[1\] .*is named x too/],
    ['nodes: [{host: a, name: local}]\n', /nodes\[0\] .*; local is the name of the process/],
    ['nodes: [{host: a, labels: [spawner]}]\n', /label spawner is the name of this process/],
    ['nodes: [{host: a, name: x, labels: [x]}]\n', /label x is the name of a node/],
    ['nodes: [a]\nsecret: hunter2\n', /yaml:2: secret is not shown; there is no such key/],
    ['launch: local\nnodes: [b]\n', /yaml:2: nodes\[0\] is 'b'; with launch: local/],
    ['nodes: [a\n', /^Cannot read cluster file cluster.yaml:\d+:\d+: /],
    ['nodes: [a]\nnodes: [b]\n', /^Cannot read cluster file cluster.yaml:2:1: Map keys must be/],
    ['nodes: *b\n', /^Cannot read cluster file cluster.yaml.*b/],
    ['', /cluster.yaml: is null; it has to be an object with nodes/],
  ]
  for (const [text, message] of cases) {
    const found = refusal(() => readText(text))
    if (typeof message === 'string') t.equal(found, message)
    else t.match(found, message)
  }
  t.notMatch(
    refusal(() => readText('nodes: [a]\nsecret: hunter2\n')),
    /hunter2/,
  )
  t.match(
    refusal(() => readText('{', 'x.json')),
    /^Cannot read cluster file x.json: /,
  )
  t.match(
    refusal(() => readCluster('none.yaml', folder)),
    /none.yaml: there is no such file/,
  )
  t.match(
    refusal(() => readCluster({ nodes: 1.5 }, folder)),
    /^Cannot use the cluster: nodes is 1/,
  )
})
