import type { PowerMode } from '@brume/protocols/membership'
import type { Tree } from './tree.ts'

export interface Battery {
  readonly percent: number
  readonly charging: boolean
}

/** Degrees Celsius from which a host is warm, hot, critical (tasks.md 7). */
const THERMAL_C = [45, 55, 65] as const
/** Sensors report 0 or 127 where they are not wired up. */
const PLAUSIBLE_C = { min: 1, max: 125 }
/** Zones and chips that sit on the processor, by their kernel names. */
const PROCESSOR = /^(x86_pkg_temp|coretemp|k10temp|zenpower|cpu[-_]?thermal.*|soc[-_]?thermal.*|cpu.*|cluster.*)$/

/** The machine's own battery; those of mice and headsets have scope `Device`. */
export async function readBattery(tree: Tree): Promise<Battery | 'absent'> {
  for (const name of await tree.names('/sys/class/power_supply')) {
    const at = `/sys/class/power_supply/${name}`
    const [type, scope, percent, status] = await Promise.all([
      tree.text(`${at}/type`),
      tree.text(`${at}/scope`),
      tree.integer(`${at}/capacity`),
      tree.text(`${at}/status`)
    ])
    if (type !== 'Battery' || scope === 'Device' || percent === undefined) continue
    return { percent: Math.min(100, Math.max(0, percent)), charging: status !== 'Discharging' }
  }
  return 'absent'
}

/** The processor's temperature in degrees Celsius, else the warmest plausible zone. */
export async function readTemperatureC(tree: Tree): Promise<number | 'absent'> {
  const sensors = [...(await thermalZones(tree)), ...(await hardwareMonitors(tree))]
  const plausible = sensors.filter(({ celsius }) => celsius >= PLAUSIBLE_C.min && celsius <= PLAUSIBLE_C.max)
  const processor = plausible.filter(({ name }) => PROCESSOR.test(name))
  const chosen = processor.length > 0 ? processor : plausible
  return chosen.length === 0 ? 'absent' : Math.max(...chosen.map(({ celsius }) => celsius))
}

/** 0 normal, 1 warm, 2 hot, 3 critical; an unknown temperature is taken for normal. */
export function thermalLevel(temperatureC: number | 'absent'): 0 | 1 | 2 | 3 {
  if (temperatureC === 'absent' || temperatureC < THERMAL_C[0]) return 0
  if (temperatureC < THERMAL_C[1]) return 1
  return temperatureC < THERMAL_C[2] ? 2 : 3
}

/** The mode that battery and heat allow, first match (tasks.md 7; the margins on leaving are its own). */
export function powerMode(battery: Battery | 'absent', thermal: 0 | 1 | 2 | 3): PowerMode {
  const level = battery === 'absent' ? 100 : battery.percent
  const draining = battery !== 'absent' && !battery.charging
  if (thermal === 3 || (draining && level <= 10)) return 'critical'
  if (thermal === 2 || (draining && level <= 20) || level <= 10) return 'power-save'
  if (thermal === 1 || (draining && level <= 40)) return 'balanced'
  return 'performance'
}

interface Sensor {
  readonly name: string
  readonly celsius: number
}

async function thermalZones(tree: Tree): Promise<readonly Sensor[]> {
  const zones = (await tree.names('/sys/class/thermal')).filter((name) => name.startsWith('thermal_zone'))
  return readSensors(
    tree,
    zones.map((zone) => [`/sys/class/thermal/${zone}/type`, `/sys/class/thermal/${zone}/temp`])
  )
}

/** AMD processors and many boards have no thermal zone, only a monitoring chip. */
async function hardwareMonitors(tree: Tree): Promise<readonly Sensor[]> {
  const chips = await tree.names('/sys/class/hwmon')
  return readSensors(
    tree,
    chips.map((chip) => [`/sys/class/hwmon/${chip}/name`, `/sys/class/hwmon/${chip}/temp1_input`])
  )
}

/** Pairs of a name's file and a file of thousandths of a degree. */
async function readSensors(tree: Tree, files: readonly (readonly [string, string])[]): Promise<readonly Sensor[]> {
  const sensors = await Promise.all(
    files.map(async ([namePath, valuePath]) => ({
      name: (await tree.text(namePath)) ?? '',
      milli: await tree.integer(valuePath)
    }))
  )
  return sensors.flatMap(({ name, milli }) => (milli === undefined ? [] : [{ name, celsius: milli / 1_000 }]))
}
