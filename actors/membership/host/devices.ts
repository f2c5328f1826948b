import type { Gpu } from '@brume/protocols/membership'
import type { Tree } from './tree.ts'

export interface Interface {
  readonly name: string
  readonly kind: 'ethernet' | 'wifi' | 'virtual'
  readonly up: boolean
  readonly speedMbps: number | 'absent'
}

const MIB = 1_048_576

/** PCI vendors whose cards compute. Virtual and board-management adapters are left out on purpose. */
const GPU_KIND_BY_VENDOR = new Map([
  ['0x8086', 1],
  ['0x1002', 2],
  ['0x10de', 3]
])
const NVIDIA_KIND = 3
const EMBEDDED_KIND = 4
/** Kernel drivers of graphics cores inside a chip: no PCI vendor, memory shared with the host. */
const EMBEDDED_DRIVER = /^DRIVER=(v3d|vc4-drm|panfrost|panthor|lima|msm.*|etnaviv.*|tegra.*|mali.*)$/m

/** The first GPU found. Its memory is 0 where it is shared or the driver does not tell. */
export async function readGpu(tree: Tree): Promise<Gpu | 'absent'> {
  const cards = (await tree.names('/sys/class/drm')).filter((name) => /^card\d+$/.test(name))
  const found = (await Promise.all(cards.map((card) => readCard(tree, `/sys/class/drm/${card}/device`)))).filter(
    (gpu) => gpu !== undefined
  )
  const largest = found.sort((a, b) => b.memoryMiB - a.memoryMiB)[0]
  if (largest !== undefined) return largest
  // Without a display NVIDIA's own driver registers no DRM card.
  const nvidia = await tree.names('/proc/driver/nvidia/gpus')
  return nvidia.length > 0 ? { kind: NVIDIA_KIND, memoryMiB: 0 } : 'absent'
}

async function readCard(tree: Tree, at: string): Promise<Gpu | undefined> {
  const [vendor, vram, uevent] = await Promise.all([
    tree.text(`${at}/vendor`),
    tree.integer(`${at}/mem_info_vram_total`),
    tree.text(`${at}/uevent`)
  ])
  const kind = GPU_KIND_BY_VENDOR.get(vendor ?? '') ?? (EMBEDDED_DRIVER.test(uevent ?? '') ? EMBEDDED_KIND : undefined)
  return kind === undefined ? undefined : { kind, memoryMiB: Math.floor((vram ?? 0) / MIB) }
}

/** All interfaces but the loopback one. */
export async function readInterfaces(tree: Tree): Promise<readonly Interface[]> {
  const names = (await tree.names('/sys/class/net')).filter((name) => name !== 'lo')
  return Promise.all(names.map((name) => readInterface(tree, name)))
}

async function readInterface(tree: Tree, name: string): Promise<Interface> {
  const at = `/sys/class/net/${name}`
  const [wireless, device, state, speed] = await Promise.all([
    tree.has(`${at}/wireless`),
    tree.has(`${at}/device`),
    tree.text(`${at}/operstate`),
    tree.integer(`${at}/speed`)
  ])
  return {
    name,
    kind: wireless ? 'wifi' : device ? 'ethernet' : 'virtual',
    up: state === 'up',
    speedMbps: speed !== undefined && speed > 0 ? speed : 'absent'
  }
}

/** Container runtimes found on the search path. None is run. */
export async function findContainerRuntimes(tree: Tree, searchPath: readonly string[]): Promise<readonly string[]> {
  const runtimes = ['docker', 'podman', 'nerdctl']
  const found = await Promise.all(
    runtimes.map(async (runtime) => {
      const places = await Promise.all(searchPath.map((folder) => tree.has(`${folder}/${runtime}`, true)))
      return places.includes(true)
    })
  )
  return runtimes.filter((_, index) => found[index])
}
