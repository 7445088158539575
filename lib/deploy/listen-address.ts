/** Where a node listens, as people write it: `host:port`, `:port`, `port`, `host`, `[::1]:port`. */
import { GoawayError } from '../errors.ts'
import { portDefault } from '../limits.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** Only this machine: who wants others to reach the node has to say so. */
const hostDefault = '127.0.0.1'

const forms = [
  /^(?<port>\d+)$/,
  /^:(?<port>\d+)$/,
  /^\[(?<host>[0-9a-fA-F:.]+(%\w+)?)\](:(?<port>\d+))?$/,
  /^(?<host>[^\s:[\]/@]+)(:(?<port>\d+))?$/,
]

/** @throws {GoawayError} ERR_GOAWAY_CONFIG with the value */
export function parseListen(text: string): Address {
  const groups = forms.map((form) => form.exec(text)?.groups).find((found) => found !== undefined)
  const port = Number(groups?.port ?? portDefault)
  if (groups === undefined || port > 65_535) {
    throw new GoawayError(
      'ERR_GOAWAY_CONFIG',
      'Cannot listen there: it has to be host:port, host or port (an IPv6 address in brackets), ' +
        `with a port of at most 65535: '${text}'`,
    )
  }
  return { host: groups.host ?? hostDefault, port }
}

export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
