/**
 * A port that a node of one test has had may be given to the hub of another at any time, while the
 * first node's cluster still looks for it. Hubs refuse such a stranger and warn of it, as they
 * should: what a program prints is told here without that.
 */
const stranger = /^.*Refused a connection from 127\.0\.0\.1:\d+: the secrets differ.*\n/gm
const hint = /^\(Use `node --trace-warnings \.\.\.` to show where the warning was created\)\n/m

export function withoutStrangers(text: string): string {
  const left = text.replace(stranger, '')
  // Node adds it to the first warning alone.
  return left === text || /Warning: /.test(left) ? left : left.replace(hint, '')
}
