/** Every bound and default of the library, with its unit in the name and the reason beside it. */

/** Arguments and results up to this size travel inside a frame; larger ones go on a port of their own. */
export const inlineBytesMax = 32 * 1024
/** A stored value up to this size lies in the hub's own memory; a larger one in a shared buffer. */
export const storedInlineBytesMax = 64 * 1024
/** A single value may not be larger: the codec's own offsets end at 2 GiB, and so many bytes are a mistake. */
export const valueBytesMax = 1024 * 1024 * 1024
/** Nesting of a value: deeper ones would overflow the stack of whoever walks them. */
export const valueDepthMax = 1000
/** Causes of causes that an error keeps on its way. */
export const errorCauseDepthMax = 8
/** Characters of a name of a store, a field, a lock or a routine. */
export const nameLengthMax = 1024
