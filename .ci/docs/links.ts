import { existsSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { type Markdown, readMarkdown } from './markdown.ts'
import type { TextFile } from './tree.ts'

/** Scheme, or protocol-relative: not of this tree, and a gate must not depend on someone else's server. */
const ELSEWHERE = /^([a-z][a-z0-9+.-]*:|\/\/)/i

/** One line for each relative link, or `#anchor`, of `files` that leads nowhere. */
export function brokenLinks(root: string, files: readonly TextFile[]): string[] {
  const pages = new Map(files.map(({ path, text }) => [path, readMarkdown(text)]))
  return [...pages].flatMap(([path, page]) =>
    page.links
      .filter(({ target }) => !ELSEWHERE.test(target))
      .flatMap(({ target, line }) => {
        const why = whyBroken(root, path, target, pages)
        return why === undefined ? [] : [`${path}:${line}: link ${target}: ${why}`]
      })
  )
}

function whyBroken(
  root: string,
  from: string,
  target: string,
  pages: ReadonlyMap<string, Markdown>
): string | undefined {
  const [file = '', anchor] = decodeURI(target).split('#')
  if (file.startsWith('/')) return 'start at this file, not at the root: / is the root of the site that shows it'
  const path = file === '' ? from : posix.normalize(posix.join(dirname(from), file))
  if (path.startsWith('..')) return 'leaves the repository'
  if (!pages.has(path) && !existsSync(join(root, path))) return 'no such file'
  const page = pages.get(path)
  if (anchor !== undefined && anchor !== '' && page !== undefined && !page.anchors.has(anchor)) return 'no such heading'
  return undefined
}
