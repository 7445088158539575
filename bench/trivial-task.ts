/** The trivial job for piscina and tinypool. It imports nothing, so that they start at once. */
export default function trivial(value: number): number {
  return value
}
