import { statfs } from 'node:fs/promises'
import os from 'node:os'
import { delimiter } from 'node:path'
import type { Architecture, DeviceClass, Gpu, HostFields, StateFields, Tier } from '@brume/protocols/membership'
import { classify, type Firmware, readFirmware, tierOf } from './host/classify.ts'
import { findContainerRuntimes, type Interface, readGpu, readInterfaces } from './host/devices.ts'
import { type GroupLimits, readGroupLimits } from './host/limits.ts'
import { type Battery, powerMode, readBattery, readTemperatureC, thermalLevel } from './host/power.ts'
import { openTree, type Tree } from './host/tree.ts'

/** What was found, or the statement that this machine has none (or hides it). */
export type Detected<T> = T | 'absent'

/** The machine a peer runs on: what goes into its record, and what only its owner sees. */
export interface HostDescription {
  readonly host: HostFields
  readonly state: StateFields
  /** `container.docker`, `gpu`, `battery`, `net.wifi`, ...: at most 32 B each. */
  readonly capabilities: readonly string[]
  readonly details: {
    readonly model: Detected<string>
    readonly vendor: Detected<string>
    readonly processor: Detected<string>
    readonly battery: Detected<Battery>
    readonly temperatureC: Detected<number>
    readonly gpu: Detected<Gpu>
    readonly interfaces: readonly Interface[]
    readonly containerRuntimes: Detected<readonly string[]>
    /** Undefined values: no limit. */
    readonly groupLimits: GroupLimits
  }
}

/** What Node itself knows. The fallback where there is no /proc, as on macOS. */
export interface OsFacts {
  readonly platform: NodeJS.Platform
  readonly arch: string
  readonly cores: number
  readonly processor: string | undefined
  readonly memoryBytes: number
  readonly loadAverage: number
  readonly interfaces: readonly string[]
}

export interface DetectOptions {
  /** Where /proc and /sys hang. Default `/`. */
  readonly root?: string
  /** The folder whose file system is the storage on offer. Default the working directory. */
  readonly storagePath?: string
  /** Folders of programs. Default PATH. */
  readonly searchPath?: readonly string[]
  readonly os?: OsFacts
  /** What the operator states goes before what is detected. */
  readonly class?: DeviceClass
  readonly tier?: Tier
}

const MIB = 1_048_576
const U16_MAX = 0xffff
const U32_MAX = 0xffff_ffff
const APPLE_KIND = 5

/** Describes this machine in about 10 ms, from /proc and /sys where there are any. Runs no program, never throws. */
export async function detectHost(options: DetectOptions = {}): Promise<HostDescription> {
  const facts = options.os ?? osFacts()
  const tree = openTree(options.root ?? '/')
  const [found, power, limits, total, storageMiB] = await Promise.all([
    readDevices(tree, facts, options),
    readPower(tree),
    readGroupLimits(tree),
    readMemoryBytes(tree, facts),
    readStorageMiB(options.storagePath ?? process.cwd())
  ])
  const cores = Math.max(1, Math.floor(Math.min(facts.cores, limits.cores ?? facts.cores)))
  const deviceClass =
    options.class ?? classify({ ...classInput(found.firmware, power.battery, facts), memoryBytes: total })
  const host: HostFields = {
    architecture: architectureOf(facts.arch),
    class: deviceClass,
    tier: options.tier ?? tierOf(deviceClass, found.firmware),
    cores: Math.min(cores, U16_MAX),
    memoryMiB: toMiB(Math.min(total, limits.memoryBytes ?? total)),
    storageMiB,
    gpu: found.gpu === 'absent' ? null : found.gpu,
    fuelRate: 0,
    attestation: 0
  }
  return {
    host,
    state: stateOf(power, await readLoad(tree, facts, cores)),
    capabilities: capabilitiesOf(found, power.battery),
    details: {
      model: found.firmware.board,
      vendor: found.firmware.vendor,
      processor: facts.processor ?? 'absent',
      battery: power.battery,
      temperatureC: power.temperatureC,
      gpu: found.gpu,
      interfaces: found.interfaces,
      containerRuntimes: found.runtimes.length === 0 ? 'absent' : found.runtimes,
      groupLimits: limits
    }
  }
}

/** Only what changes while the machine runs: battery, heat, load. */
export async function sampleHostState(options: Pick<DetectOptions, 'root' | 'os'> = {}): Promise<StateFields> {
  const facts = options.os ?? osFacts()
  const tree = openTree(options.root ?? '/')
  return stateOf(await readPower(tree), await readLoad(tree, facts, facts.cores))
}

function osFacts(): OsFacts {
  return {
    platform: os.platform(),
    arch: os.arch(),
    cores: os.availableParallelism(),
    processor: os.cpus()[0]?.model,
    memoryBytes: os.totalmem(),
    loadAverage: os.loadavg()[0] ?? 0,
    interfaces: Object.keys(os.networkInterfaces())
  }
}

interface Devices {
  readonly firmware: Firmware
  readonly gpu: Detected<Gpu>
  readonly interfaces: readonly Interface[]
  readonly runtimes: readonly string[]
}

async function readDevices(tree: Tree, facts: OsFacts, options: DetectOptions): Promise<Devices> {
  const searchPath = options.searchPath ?? (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const [firmware, gpu, interfaces, runtimes] = await Promise.all([
    readFirmware(tree),
    readGpu(tree),
    readInterfaces(tree),
    findContainerRuntimes(tree, searchPath)
  ])
  if (facts.platform !== 'darwin') return { firmware, gpu, interfaces, runtimes }
  return {
    firmware,
    gpu: facts.arch === 'arm64' ? { kind: APPLE_KIND, memoryMiB: 0 } : 'absent',
    interfaces: facts.interfaces
      .filter((name) => name.startsWith('en'))
      .map((name) => ({ name, kind: 'ethernet', up: true, speedMbps: 'absent' })),
    runtimes
  }
}

interface Power {
  readonly battery: Detected<Battery>
  readonly temperatureC: Detected<number>
}

async function readPower(tree: Tree): Promise<Power> {
  const [battery, temperatureC] = await Promise.all([readBattery(tree), readTemperatureC(tree)])
  return { battery, temperatureC }
}

function stateOf({ battery, temperatureC }: Power, load: number): StateFields {
  const thermal = thermalLevel(temperatureC)
  return {
    battery: battery === 'absent' ? null : battery.percent,
    charging: battery === 'absent' ? false : battery.charging,
    thermal,
    mode: powerMode(battery, thermal),
    load
  }
}

function classInput(firmware: Firmware, battery: Detected<Battery>, facts: OsFacts) {
  return {
    firmware,
    platform: facts.platform,
    arm: facts.arch === 'arm64' || facts.arch === 'arm',
    hasBattery: battery !== 'absent',
    cores: facts.cores
  }
}

async function readMemoryBytes(tree: Tree, facts: OsFacts): Promise<number> {
  const total = /^MemTotal:\s+(\d{1,12}) kB$/m.exec((await tree.text('/proc/meminfo')) ?? '')?.[1]
  return total === undefined ? facts.memoryBytes : Number(total) * 1_024
}

/** What an unprivileged process may still write there; 0 where it cannot be asked. */
async function readStorageMiB(path: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(path)
    return toMiB(bavail * bsize)
  } catch {
    return 0
  }
}

/** Runnable processes per core over a minute, in percent. */
async function readLoad(tree: Tree, facts: OsFacts, cores: number): Promise<number> {
  const text = (await tree.text('/proc/loadavg'))?.split(' ')[0]
  const average = text !== undefined && /^\d+\.\d+$/.test(text) ? Number(text) : facts.loadAverage
  return Math.min(100, Math.round((average / cores) * 100))
}

function capabilitiesOf({ gpu, interfaces, runtimes }: Devices, battery: Detected<Battery>): readonly string[] {
  const kinds = new Set(interfaces.filter(({ kind }) => kind !== 'virtual').map(({ kind }) => `net.${kind}`))
  return [
    ...runtimes.map((runtime) => `container.${runtime}`),
    ...(gpu === 'absent' ? [] : ['gpu']),
    ...(battery === 'absent' ? [] : ['battery']),
    ...[...kinds].sort()
  ]
}

function architectureOf(arch: string): Architecture {
  return arch === 'x64' || arch === 'arm64' ? arch : 'other'
}

function toMiB(bytes: number): number {
  return Math.min(U32_MAX, Math.floor(bytes / MIB))
}
