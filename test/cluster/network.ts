/**
 * A network of its own for a test: one namespace for each host, all on one bridge, so that it can
 * be cut for real. Whatever was made is removed at the end.
 */
import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { readdirSync } from 'node:fs'
import process from 'node:process'
import type { Test } from 'tap'

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

/** What was not made need not be removed. */
function attempt(...args: string[]): void {
  try {
    ip(...args)
  } catch {
    // It is gone.
  }
}

/** Why a network cannot be made here; false if it can. */
export function noNetworks(): string | false {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux'
  const name = `gaprobe${randomInt(1e6)}`
  try {
    ip('netns', 'add', name)
  } catch (error) {
    return `network namespaces cannot be made here: ${(error as Error).message.split('\n')[0]}`
  }
  try {
    ip('link', 'add', name, 'type', 'bridge')
    ip('link', 'del', name)
    return false
  } catch (error) {
    return `bridges cannot be made here: ${(error as Error).message.split('\n')[0]}`
  } finally {
    ip('netns', 'del', name)
  }
}

/** Hosts are numbered from 0. */
export class Network {
  /** In every name, for several networks may be there at once. */
  readonly #id = randomInt(0x1000, 0xffff).toString(16)
  readonly #subnet = `10.${randomInt(64, 128)}.${randomInt(256)}`
  readonly #hosts: number

  constructor(t: Test, hosts: number) {
    this.#hosts = hosts
    t.teardown(() => this.remove())
    ip('link', 'add', this.#bridge, 'type', 'bridge')
    ip('link', 'set', this.#bridge, 'up')
    for (let host = 0; host < hosts; host++) this.#add(host)
  }

  get #bridge(): string {
    return `gab${this.#id}`
  }

  #space(host: number): string {
    return `gan${this.#id}-${host}`
  }

  /** The bridge's end of the host's cable. */
  #port(host: number): string {
    return `gap${this.#id}-${host}`
  }

  #add(host: number): void {
    const [space, port] = [this.#space(host), this.#port(host)]
    ip('netns', 'add', space)
    ip('link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space)
    ip('-n', space, 'addr', 'add', `${this.address(host)}/24`, 'dev', 'eth0')
    ip('-n', space, 'link', 'set', 'lo', 'up')
    ip('-n', space, 'link', 'set', 'eth0', 'up')
    ip('link', 'set', port, 'master', this.#bridge, 'up')
  }

  address(host: number): string {
    return `${this.#subnet}.${host + 1}`
  }

  /** What starts a process at that host. */
  within(host: number): string[] {
    return ['ip', 'netns', 'exec', this.#space(host)]
  }

  /** Nothing reaches the host, and nothing from it reaches anybody. Nobody is told. */
  cut(host: number): void {
    ip('link', 'set', this.#port(host), 'nomaster')
  }

  mend(host: number): void {
    ip('link', 'set', this.#port(host), 'master', this.#bridge)
  }

  /** These two do not reach each other any more. */
  part(one: number, other: number): void {
    ip('-n', this.#space(one), 'route', 'add', 'blackhole', `${this.address(other)}/32`)
    ip('-n', this.#space(other), 'route', 'add', 'blackhole', `${this.address(one)}/32`)
  }

  /** Names of what is left of it. */
  left(): string[] {
    const names = [...readdirSync('/sys/class/net'), ...readdirSync('/run/netns')]
    return names.filter((name) => /^ga[bnp]/.test(name) && name.includes(this.#id))
  }

  remove(): void {
    // A namespace outlives its name while a socket in it ends, and with it the far ends of cables.
    const ports = Array.from({ length: this.#hosts }, (_, host) => this.#port(host))
    for (const link of [...ports, this.#bridge]) attempt('link', 'del', link)
    for (let host = 0; host < this.#hosts; host++) attempt('netns', 'del', this.#space(host))
  }
}
