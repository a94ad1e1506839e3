import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { projectDir } from '../../tools/paths.ts'
import { graphPicture } from './graph-picture.ts'

const golden = join(projectDir, 'test', 'golden')
const platforms = join(projectDir, 'docs', 'platforms.md')
const picture = /(<!-- graph (\S+) -->\n)[\s\S]*?(<!-- \/graph -->)/g

test('one box for each kind that needs the same; a component stands for what it holds', () => {
  const graph = [
    'Cluster/blue-cluster (protected) <- Key/shop-blue, Subnet/blue-network-a, Subnet/blue-network-b',
    'Key/shop-blue',
    'Login/blue-login-a <- Network/blue-network',
    'Login/blue-login-b <- Cluster/blue-cluster, Network/blue-network',
    'Subnet/blue-network-a',
    'Subnet/blue-network-b',
  ]
  expect(graphPicture(`${graph.join('\n')}\n`, 'blue').split('\n')).toEqual([
    'flowchart LR',
    '  g0["Cluster<br>cluster"]:::protected',
    '  g1["Key<br>shop-blue"]',
    '  g2["Login<br>login-a"]',
    '  g3["Login<br>login-b"]',
    '  g4["Subnet × 2<br>network-a<br>network-b"]',
    '  g1 --> g0',
    '  g4 --> g0',
    '  g4 --> g2',
    '  g0 --> g3',
    '  g4 --> g3',
    '  classDef protected stroke-width:3px',
  ])
})

/** What every name of a graph begins with. */
const ownerOf = (name: string) => (name.endsWith('-between') ? 'between' : 'blue')

test('docs/platforms.md shows every platform’s colour, and what lies between two, as the golden graphs have it', async () => {
  const document = readFileSync(platforms, 'utf8')
  const shown = [...document.matchAll(picture)].map(([, , name]) => `${name}.txt`)
  expect(shown.toSorted()).toEqual(readdirSync(golden).filter((name) => /^graph-.*-(?:colour|between)\.txt$/.test(name)))
  const drawn = document.replaceAll(picture, (_, begin: string, name: string, end: string) => {
    const text = graphPicture(readFileSync(join(golden, `${name}.txt`), 'utf8'), ownerOf(name))
    return `${begin}\`\`\`mermaid\n${text}\n\`\`\`\n${end}`
  })
  await expect(drawn).toMatchFileSnapshot(platforms) // with -u vitest draws them anew
})
