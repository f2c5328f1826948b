import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

/** The version of the package this code belongs to, or `unknown` where its package.json is gone. */
export function version(): string {
  try {
    const path = findPackageJSON(import.meta.url)
    const value: unknown = path === undefined ? undefined : JSON.parse(readFileSync(path, 'utf8'))
    if (typeof value === 'object' && value !== null && 'version' in value) return String(value.version)
  } catch {
    // An odd installation is no reason to refuse any other command.
  }
  return 'unknown'
}
