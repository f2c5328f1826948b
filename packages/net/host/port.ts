import { createServer } from 'node:net'
import { DEFAULT_PORT } from './profiles.ts'

/** The profile's addresses, with any port in place of the usual one where that is taken. */
export async function freeListen(listen: readonly string[]): Promise<readonly string[]> {
  const usual = `/tcp/${DEFAULT_PORT}`
  if (!listen.some((address) => address.endsWith(usual)) || (await isFree(DEFAULT_PORT))) return listen
  return listen.map((address) => address.replace(usual, '/tcp/0'))
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, () => server.close(() => resolve(true)))
  })
}
