import { posix } from 'node:path'
import type { TextFile } from './tree.ts'

/** Folders whose every folder with code is a room, and those that are one room themselves. */
const ROOMS_IN = ['packages', 'protocols', 'actors']
const ROOMS = ['testnet', 'benchmarks']
/** Absolute paths of one machine. `~`, `/tmp` and an example's `/home/me` are everyone's. */
const MACHINE_PATH = /(?<![\w.@:/-])\/(?:work|root|home\/(?!(?:me|you)\b)[\w.-]+|Users\/[\w.-]+)(?=\/|[\s'"`),:;]|$)/
/** A lock file that names where it was downloaded from installs only where that host answers. */
const REGISTRY = /https?:\/\/[\w.:-]*(?:registry|npmjs|verdaccio|artifactory|nexus|jfrog)[\w.:-]*|"resolved": "https?:/i
/** The files that state the rule would break it. */
const EXEMPT = new Set(['.ci/docs/rooms.ts', '.ci/docs/docs.test.ts'])

/** One line for each room without a README. */
export function roomsWithoutReadme(paths: readonly string[]): string[] {
  const rooms = new Set(ROOMS.filter((room) => paths.some((path) => path.startsWith(`${room}/`))))
  for (const path of paths) {
    const [top = '', name = '', file] = path.split('/')
    if (ROOMS_IN.includes(top) && file !== undefined) rooms.add(posix.join(top, name))
  }
  const present = new Set(paths)
  return [...rooms]
    .filter((room) => !present.has(`${room}/README.md`))
    .map((room) => `${room}: no README.md; say what the room is for, its limits and how to change it`)
}

/** One line for each place in a tracked file that names this machine or a package registry. */
export function tracesOfMachine(files: readonly TextFile[]): string[] {
  return files
    .filter(({ path }) => !EXEMPT.has(path))
    .flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => {
        const found = MACHINE_PATH.exec(line)?.[0] ?? REGISTRY.exec(line)?.[0]
        return found === undefined ? [] : [`${path}:${index + 1}: names ${found}, which is of one machine`]
      })
    )
}
