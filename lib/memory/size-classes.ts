/** Sizes of records in words, each at most an eighth larger than what it is taken for. */

/** Up to so many words each size is a class of its own. */
const exactWordsMax = 16
const classesPerDoubling = 8

export function sizeClass(words: number): number {
  if (words <= exactWordsMax) return words
  const doubling = 31 - Math.clz32(words - 1)
  const step = 2 ** doubling / classesPerDoubling
  const within = Math.ceil((words - 2 ** doubling) / step)
  return exactWordsMax + (doubling - 4) * classesPerDoubling + within
}

export function classWords(size: number): number {
  if (size <= exactWordsMax) return size
  const above = size - exactWordsMax - 1
  const doubling = 4 + Math.floor(above / classesPerDoubling)
  const within = (above % classesPerDoubling) + 1
  return 2 ** doubling + (within * 2 ** doubling) / classesPerDoubling
}
