/** Links between processes: TCP under TLS. The protocol is in `docs/protocols/link.md`. */
export type { Credentials } from './credentials.ts'
export { type DialOptions, dial } from './tcp-dial.ts'
export { type ListenOptions, listen, type TcpListener } from './tcp-listen.ts'
