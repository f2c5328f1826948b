import { readFileSync } from 'node:fs'

/** A block as a peer's program was given it, with the ids of the commands that took effect. */
export interface FinalLine {
  readonly height: number
  /** Hex. */
  readonly digest: string
  readonly commands: readonly string[]
}

/** SIGKILL may cut a line short: it is none. */
function parse(line: string): FinalLine | undefined {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** All lines of a finals file, in the order of writing; none where there is no file. */
export function readFinals(path: string): readonly FinalLine[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return []
  }
  return text.split('\n').flatMap((line) => (line === '' ? [] : (parse(line) ?? [])))
}
