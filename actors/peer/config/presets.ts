import type { Config, PresetName } from './knobs.ts'

type Defaults = Omit<Config, 'preset'>

/** A person's machine on a home or office network. */
const laptop: Defaults = {
  profile: 'lan',
  network: 'brume',
  listen: [],
  announce: [],
  bootstrap: [],
  mdns: true,
  small: false,
  degree: 8,
  operator: '',
  site: '',
  region: '',
  roles: [],
  actors: [],
  admins: [],
  logLevel: 'warn',
  semiSpaceMb: 1,
  heapMb: 192
}

/** What fits each kind of machine. Only differences from the laptop are said. */
export const PRESETS: { readonly [P in PresetName]: Defaults } = {
  laptop,
  // 1 GB of memory shared with other programs, and a slow card: fewer neighbors, half the buffers.
  'raspberry-pi': { ...laptop, small: true, degree: 6, heapMb: 160 },
  // Mains, a fixed address, memory to spare: more neighbors and fewer collections of garbage.
  server: { ...laptop, degree: 12, logLevel: 'info', semiSpaceMb: 16, heapMb: 1_024 }
}
