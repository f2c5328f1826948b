import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { detectHost, type OsFacts, sampleHostState } from './host.ts'

const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

/** A made-up root file system: path to content, executables by their name's place in /usr/bin. */
async function tree(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(os.tmpdir(), 'brume-host-'))
  folders.push(root)
  for (const [path, content] of Object.entries(files)) {
    const at = join(root, path)
    await mkdir(dirname(at), { recursive: true })
    await writeFile(at, content)
    if (path.startsWith('/usr/bin/')) await chmod(at, 0o755)
  }
  return root
}

const facts = (change: Partial<OsFacts> = {}): OsFacts => ({
  platform: 'linux',
  arch: 'x64',
  cores: 8,
  processor: 'Some CPU',
  memoryBytes: 8 * 2 ** 30,
  loadAverage: 0,
  interfaces: [],
  ...change
})

async function detect(files: Readonly<Record<string, string>>, change: Partial<OsFacts> = {}) {
  return detectHost({ root: await tree(files), os: facts(change), searchPath: ['/usr/bin'] })
}

const meminfo = (kib: number): string => `MemTotal:       ${kib} kB\nMemFree:  1 kB\n`

const PI = {
  '/proc/device-tree/model': 'Raspberry Pi 5 Model B Rev 1.0\0',
  '/proc/meminfo': meminfo(8_256_384),
  '/proc/loadavg': '1.00 0.80 0.50 1/200 999\n',
  '/sys/class/thermal/thermal_zone0/type': 'cpu-thermal\n',
  '/sys/class/thermal/thermal_zone0/temp': '56200\n',
  '/sys/class/drm/card0/device/uevent': 'DRIVER=v3d\nOF_NAME=v3d\n',
  '/sys/class/net/eth0/operstate': 'up\n',
  '/sys/class/net/eth0/speed': '1000\n',
  '/sys/class/net/eth0/device/uevent': '',
  '/sys/class/net/wlan0/operstate': 'down\n',
  '/sys/class/net/wlan0/wireless/x': '',
  '/sys/class/net/lo/operstate': 'unknown\n',
  '/usr/bin/docker': '#!/bin/sh\n'
}

const LAPTOP = {
  '/proc/meminfo': meminfo(16_000_000),
  '/sys/class/dmi/id/sys_vendor': 'LENOVO\n',
  '/sys/class/dmi/id/product_name': '21CB\n',
  '/sys/class/dmi/id/chassis_type': '10\n',
  '/sys/class/power_supply/AC/type': 'Mains\n',
  '/sys/class/power_supply/BAT0/type': 'Battery\n',
  '/sys/class/power_supply/BAT0/capacity': '18\n',
  '/sys/class/power_supply/BAT0/status': 'Discharging\n',
  '/sys/class/power_supply/hidpp_battery_0/type': 'Battery\n',
  '/sys/class/power_supply/hidpp_battery_0/scope': 'Device\n',
  '/sys/class/power_supply/hidpp_battery_0/capacity': '99\n',
  '/sys/class/drm/card0/device/vendor': '0x8086\n',
  '/sys/class/drm/card1/device/vendor': '0x1002\n',
  '/sys/class/drm/card1/device/mem_info_vram_total': `${4 * 2 ** 30}\n`,
  '/sys/class/hwmon/hwmon0/name': 'k10temp\n',
  '/sys/class/hwmon/hwmon0/temp1_input': '47500\n'
}

describe('detection', () => {
  it('of a Raspberry Pi', async () => {
    const { host, state, capabilities, details } = await detect(PI, { arch: 'arm64', cores: 4 })
    expect(host).toMatchObject({
      architecture: 'arm64',
      class: 'raspberry-pi',
      tier: 'edge',
      cores: 4,
      memoryMiB: 8_062
    })
    expect(host.gpu).toEqual({ kind: 4, memoryMiB: 0 })
    expect(state).toEqual({ battery: null, charging: false, thermal: 2, mode: 'power-save', load: 25 })
    expect(capabilities).toEqual(['container.docker', 'gpu', 'net.ethernet', 'net.wifi'])
    expect(details).toMatchObject({ model: 'Raspberry Pi 5 Model B Rev 1.0', temperatureC: 56.2, battery: 'absent' })
    expect(details.interfaces).toContainEqual({ name: 'eth0', kind: 'ethernet', up: true, speedMbps: 1_000 })
    expect(details.containerRuntimes).toEqual(['docker'])
  })

  it('of a laptop: its own battery, not the mouse’s; the larger GPU; a chip for a thermal zone', async () => {
    const { host, state, details } = await detect(LAPTOP)
    expect(host).toMatchObject({ class: 'laptop', tier: 'edge', gpu: { kind: 2, memoryMiB: 4_096 } })
    expect(state).toMatchObject({ battery: 18, charging: false, thermal: 1, mode: 'power-save' })
    expect(details.containerRuntimes).toBe('absent')
  })

  it.each([
    [
      'smartphone',
      'device',
      {
        '/sys/class/power_supply/b/type': 'Battery',
        '/sys/class/power_supply/b/capacity': '50',
        '/proc/meminfo': meminfo(4_000_000)
      },
      { arch: 'arm64' }
    ],
    [
      'tablet',
      'device',
      {
        '/sys/class/power_supply/b/type': 'Battery',
        '/sys/class/power_supply/b/capacity': '50',
        '/sys/class/dmi/id/chassis_type': '30'
      },
      {}
    ],
    ['iot', 'device', { '/proc/meminfo': meminfo(500_000) }, {}],
    ['raspberry-pi', 'edge', { '/proc/device-tree/model': 'Xunlong Orange Pi 5' }, { arch: 'arm64' }],
    ['server', 'fog', { '/sys/class/dmi/id/chassis_type': '23', '/sys/class/dmi/id/sys_vendor': 'Dell Inc.' }, {}],
    ['server', 'fog', {}, { cores: 16 }],
    ['server', 'cloud', { '/sys/class/dmi/id/sys_vendor': 'Amazon EC2' }, {}],
    ['desktop', 'fog', { '/sys/class/dmi/id/chassis_type': '3' }, {}],
    ['desktop', 'fog', {}, { platform: 'darwin' }]
  ] as const)('takes this for a %s (%s)', async (deviceClass, tier, files, change) => {
    expect((await detect(files, change)).host).toMatchObject({ class: deviceClass, tier })
  })

  it('believes the operator before its own eyes', async () => {
    const { host } = await detectHost({ root: await tree(PI), os: facts(), class: 'server', tier: 'fog' })
    expect(host).toMatchObject({ class: 'server', tier: 'fog' })
  })

  it('keeps the limits of control groups, the tightest of version 2', async () => {
    const { host } = await detect({
      '/proc/self/cgroup': '0::/a/b\n',
      '/sys/fs/cgroup/a/cpu.max': '250000 100000\n',
      '/sys/fs/cgroup/a/b/cpu.max': 'max 100000\n',
      '/sys/fs/cgroup/a/b/memory.max': `${512 * 2 ** 20}\n`,
      '/sys/fs/cgroup/a/memory.max': 'max\n',
      '/proc/meminfo': meminfo(16_000_000)
    })
    expect(host).toMatchObject({ cores: 2, memoryMiB: 512, class: 'desktop' })
  })

  it('and of version 1', async () => {
    const { host } = await detect({
      '/proc/self/cgroup': '4:memory:/box\n1:cpu,cpuacct:/\n',
      '/sys/fs/cgroup/memory/box/memory.limit_in_bytes': `${2 ** 30}\n`,
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n'
    })
    expect(host).toMatchObject({ cores: 1, memoryMiB: 1_024 })
  })

  it('says absent where there is nothing, as on a Mac', async () => {
    const { host, state, details } = await detect({}, { platform: 'darwin', arch: 'arm64', interfaces: ['lo0', 'en0'] })
    expect(host).toMatchObject({ memoryMiB: 8_192, gpu: { kind: 5, memoryMiB: 0 } })
    expect(state).toMatchObject({ battery: null, thermal: 0, mode: 'performance' })
    expect(details).toMatchObject({ model: 'absent', battery: 'absent', temperatureC: 'absent', vendor: 'absent' })
    expect(details.interfaces.map(({ name }) => name)).toEqual(['en0'])
  })

  it('never throws, whatever the files say', async () => {
    const paths = [
      ...new Set([...Object.keys(PI), ...Object.keys(LAPTOP), '/proc/self/cgroup', '/sys/fs/cgroup/cpu.max'])
    ]
    const content = fc.oneof(fc.string(), fc.constantFrom('-1', '999999999999999', '0x10de', '\0\0', 'max max', '1 0'))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom(...paths), content), { maxLength: 12 }), async (files) => {
        const { host, state } = await detect(Object.fromEntries(files))
        expect(host.cores).toBeGreaterThanOrEqual(1)
        expect(host.memoryMiB).toBeGreaterThanOrEqual(0)
        expect([0, 1, 2, 3]).toContain(state.thermal)
        if (state.battery !== null) expect(state.battery).toBeLessThanOrEqual(100)
      }),
      { numRuns: 60 }
    )
  })

  it('of this machine', async () => {
    const { host } = await detectHost()
    expect(host.cores).toBeGreaterThan(0)
    expect(host.memoryMiB).toBeGreaterThan(0)
    expect(await sampleHostState()).toMatchObject({ thermal: expect.any(Number) })
  })
})
