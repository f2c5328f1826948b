import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { toHex, utf8 } from '@brume/codec'
import { DOMAIN, hash } from '@brume/crypto'

/**
 * Files that name this machine, with the system's installation first. A cloned SD card takes the
 * machine-id along, so a Raspberry Pi's serial number, burnt into the board, counts as well.
 */
const LINUX_FILES = ['/etc/machine-id', '/proc/device-tree/serial-number']

/** ioreg answers in 20 ms; a hung one must not hold up a start. */
const IOREG_TIMEOUT_MS = 2_000

/**
 * Hex of hash('brume/host/1' ‖ what names this machine), or undefined where nothing does (many
 * containers): then a copied identity cannot be noticed here, only by membership (neighbors.md 3.1).
 */
export async function hostMark(): Promise<string | undefined> {
  const names = process.platform === 'darwin' ? await macNames() : await linuxNames()
  return names.length === 0 ? undefined : toHex(hash(DOMAIN.host, utf8(names.join('\n'))))
}

async function linuxNames(): Promise<string[]> {
  const texts = await Promise.all(LINUX_FILES.map((path) => readFile(path, 'latin1').catch(() => '')))
  return texts.map((text) => text.replaceAll('\0', '').trim()).filter((text) => text !== '' && text !== 'uninitialized')
}

async function macNames(): Promise<string[]> {
  const ioreg = promisify(execFile)('ioreg', ['-rd1', '-c', 'IOPlatformExpertDevice'], { timeout: IOREG_TIMEOUT_MS })
  const { stdout } = await ioreg.catch(() => ({ stdout: '' }))
  return [/"IOPlatformUUID" = "([^"]+)"/.exec(stdout)?.[1] ?? []].flat()
}
