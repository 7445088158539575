export default function trivial(value: number): number {
  return value
}
