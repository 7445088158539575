/** The version of this library, which all processes of a cluster have to share. */
import { readFileSync } from 'node:fs'

const packageFile = new URL('../../../package.json', import.meta.url)

export const libraryVersion = (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string })
  .version
