import type { DeviceClass, Tier } from '@brume/protocols/membership'
import type { Tree } from './tree.ts'

/** What firmware says of the machine: DMI on PCs and servers, the device tree on boards. */
export interface Firmware {
  readonly board: string | 'absent'
  readonly vendor: string | 'absent'
  readonly chassis: number | 'absent'
}

export interface ClassifyInput {
  readonly firmware: Firmware
  readonly platform: NodeJS.Platform
  readonly arm: boolean
  readonly hasBattery: boolean
  readonly cores: number
  /** Of the machine, not of the container: a small limit makes no small device. */
  readonly memoryBytes: number
}

const GIB = 2 ** 30
/** SMBIOS 7.4.1: chassis types. */
const CHASSIS = {
  portable: new Set([8, 9, 10, 14, 31]),
  touch: new Set([11, 30, 32]),
  server: new Set([17, 23, 25, 28, 29])
}
const SERVER_CORES_MIN = 16
const CLOUD_VENDOR =
  /amazon|google|microsoft corporation virtual|digitalocean|hetzner|openstack|alibaba|oracle ?cloud|scaleway|ovh|linode|akamai|vultr|upcloud/i

export async function readFirmware(tree: Tree): Promise<Firmware> {
  const [board, vendor, product, chassis] = await Promise.all([
    tree.text('/proc/device-tree/model'),
    tree.text('/sys/class/dmi/id/sys_vendor'),
    tree.text('/sys/class/dmi/id/product_name'),
    tree.integer('/sys/class/dmi/id/chassis_type')
  ])
  return {
    board: board ?? 'absent',
    vendor: vendor === undefined ? 'absent' : `${vendor} ${product ?? ''}`.trim(),
    chassis: chassis ?? 'absent'
  }
}

/** Device class, first match (tasks.md 7). */
export function classify(input: ClassifyInput): DeviceClass {
  const { firmware, arm, hasBattery } = input
  if (isBoard(input)) return 'raspberry-pi'
  if (input.platform === 'android' || (hasBattery && arm && input.memoryBytes <= 4 * GIB)) return 'smartphone'
  if (hasBattery && inSet(CHASSIS.touch, firmware.chassis)) return 'tablet'
  if (hasBattery || inSet(CHASSIS.portable, firmware.chassis)) return 'laptop'
  if (input.memoryBytes < GIB) return 'iot'
  if (inSet(CHASSIS.server, firmware.chassis) || isCloud(firmware) || input.cores >= SERVER_CORES_MIN) return 'server'
  return 'desktop'
}

/** Where a machine of this class usually stands; an operator's setting goes before it. */
export function tierOf(deviceClass: DeviceClass, firmware: Firmware): Tier {
  if (deviceClass === 'smartphone' || deviceClass === 'tablet' || deviceClass === 'iot') return 'device'
  if (deviceClass === 'raspberry-pi' || deviceClass === 'laptop') return 'edge'
  return isCloud(firmware) ? 'cloud' : 'fog'
}

/** A Raspberry Pi by name, or another ARM board: a device tree, no PC firmware, no battery. */
function isBoard({ firmware, arm, hasBattery }: ClassifyInput): boolean {
  if (firmware.board === 'absent') return false
  return /raspberry pi/i.test(firmware.board) || (arm && !hasBattery && firmware.vendor === 'absent')
}

function isCloud(firmware: Firmware): boolean {
  return firmware.vendor !== 'absent' && CLOUD_VENDOR.test(firmware.vendor)
}

function inSet(set: ReadonlySet<number>, chassis: number | 'absent'): boolean {
  return chassis !== 'absent' && set.has(chassis)
}
