import { Html } from './html.ts'

/**
 * The page's only style. Colours are named once for light and once for dark; blue and green differ in lightness too, and nothing is said by colour alone.
 * No font is loaded: pictures leave room for the widest of the fallbacks.
 */
export const style = new Html(`
:root { color-scheme: light dark; --paper: #ffffff; --card: #f6f7f9; --ink: #1a1f28; --soft: #545d6b; --rule: #d5dae1; --grid: #e6e9ee;
  --blue: #2563c9; --green: #3fa05e; --on-blue: #ffffff; --on-green: #06210f; --part: #7a5bc2; --p99: #c2571a; --good: #1c7a3d; --bad: #b3261e; --focus: #2563c9; }
@media (prefers-color-scheme: dark) { :root { --paper: #12151b; --card: #1b2029; --ink: #e7eaf0; --soft: #a5aebc; --rule: #39414e; --grid: #2a303b;
  --blue: #5b9bff; --green: #63c785; --on-blue: #07142b; --on-green: #06210f; --part: #b39bf0; --p99: #f0a26b; --good: #6fd08f; --bad: #ff8a80; --focus: #8ab8ff; } }
* { box-sizing: border-box; }
html { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 1024px; padding: 24px 32px 64px; }
a { color: inherit; text-underline-offset: 3px; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 3px; }
.skip { position: absolute; left: 16px; top: -80px; background: var(--ink); color: var(--paper); padding: 8px 16px; border-radius: 4px; }
.skip:focus { top: 12px; }
header h1 { font-size: 30px; line-height: 1.2; margin: 0 0 8px; letter-spacing: -0.01em; }
.facts { color: var(--soft); margin: 0 0 16px; }
.verdict { display: inline-block; font-weight: 700; letter-spacing: 0.04em; border: 2px solid currentColor; border-radius: 6px; padding: 2px 12px; margin: 0 0 16px; }
.good { color: var(--good); } .bad { color: var(--bad); }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 0; padding: 12px 0; border-top: 1px solid var(--rule); border-bottom: 1px solid var(--rule); font-size: 14px; }
nav a { display: inline-block; padding: 4px 0; }
section { margin-top: 48px; }
h2 { font-size: 22px; line-height: 1.3; margin: 0 0 12px; }
h3 { font-size: 17px; margin: 32px 0 8px; }
p { max-width: 72ch; margin: 0 0 12px; overflow-wrap: anywhere; }
.story { font-size: 19px; line-height: 1.55; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 24px 0 0; padding: 0; list-style: none; }
.tiles li { background: var(--card); border-radius: 8px; padding: 12px 16px; }
.tiles b { display: block; font-size: 24px; line-height: 1.3; font-variant-numeric: tabular-nums; white-space: nowrap; }
.tiles span { font-size: 14px; color: var(--soft); display: block; line-height: 1.4; }
figure { margin: 24px 0 0; }
figcaption { max-width: 80ch; margin-bottom: 8px; font-size: 15px; color: var(--soft); overflow-wrap: anywhere; }
figcaption strong { color: var(--ink); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 0 0 8px; padding: 0; list-style: none; font-size: 14px; color: var(--soft); }
.legend i { display: inline-block; width: 18px; height: 10px; margin-right: 6px; border-radius: 2px; }
.legend i.rule { height: 0; border-top: 3px solid; border-radius: 0; vertical-align: 4px; background: none; }
.legend i.rule.thin { border-top-width: 1.5px; } .legend i.pause { opacity: 0.4; } .legend i.p50 { border-color: var(--ink); } .legend i.p99 { border-color: var(--p99); }
.legend i.most { border-top-style: dashed; border-color: var(--part); }
svg { display: block; width: 100%; height: auto; overflow: hidden; }
svg.wide { max-width: 960px; } svg.narrow { max-width: 480px; display: none; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: var(--ink); font-variant-numeric: tabular-nums; text-rendering: geometricPrecision; }
svg text.tick, svg text.soft { fill: var(--soft); }
svg text.soft, svg text.head { paint-order: stroke; stroke: var(--paper); stroke-width: 5px; stroke-linejoin: round; }
svg text.head { font-weight: 600; }
svg text.on-blue { fill: var(--on-blue); } svg text.on-green { fill: var(--on-green); } svg text.badge { fill: var(--paper); font-weight: 700; font-size: 11px; }
.fill-blue { fill: var(--blue); background: var(--blue); } .fill-green { fill: var(--green); background: var(--green); } .fill-part { fill: var(--part); background: var(--part); }
.fill-ink { fill: var(--ink); } .fill-soft { fill: var(--soft); opacity: 0.35; } .pause { fill: var(--part); opacity: 0.14; background: var(--part); }
.grid { stroke: var(--grid); stroke-width: 1; } .axis { stroke: var(--rule); stroke-width: 1; }
.mark { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 3 3; } .bracket { stroke: var(--ink); stroke-width: 1.5; fill: none; }
.p50 { stroke: var(--ink); stroke-width: 2; fill: none; } .p99 { stroke: var(--p99); stroke-width: 1.25; fill: none; }
.most { stroke: var(--part); stroke-width: 1; stroke-dasharray: 4 2; fill: none; } .p50, .p99, .most { stroke-linecap: round; }
.lag { stroke: var(--soft); stroke-width: 1.5; fill: none; }
.on-paper { display: none; }
.table { overflow-x: auto; margin: 4px 0 0; }
table { border-collapse: collapse; width: 100%; font-size: 14px; line-height: 1.4; }
.caption { font-size: 14px; color: var(--soft); margin: 16px 0 0; }
.number + td, .number + th { padding-left: 16px; }
small { display: block; font-size: 13px; font-weight: 400; color: var(--soft); } .note { font-size: 14px; color: var(--soft); }
th, td { text-align: left; vertical-align: top; padding: 6px 16px 6px 0; border-bottom: 1px solid var(--rule); unicode-bidi: isolate; }
thead th { font-weight: 600; color: var(--soft); } tbody th { font-weight: 600; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td, tbody th { overflow-wrap: break-word; } .stack td { overflow-wrap: anywhere; } thead th { white-space: nowrap; }
.tag { white-space: nowrap; } .tag, .verdicts { font-weight: 600; }
.unseen { border-left: 4px solid var(--rule); padding-left: 32px; }
.unseen li, .ways li { margin-bottom: 6px; max-width: 72ch; overflow-wrap: anywhere; }
.reasons { border-left: 4px solid var(--bad); padding-left: 32px; } .reasons li { overflow-wrap: anywhere; white-space: pre-line; margin-bottom: 6px; }
details { margin-top: 8px; } summary { cursor: pointer; font-size: 14px; padding: 4px 0; color: var(--soft); } details.block > summary, details.long > summary { font-size: 16px; color: var(--ink); font-weight: 600; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 0 40px; } .columns > div { min-width: 0; }
footer { margin-top: 56px; padding-top: 12px; border-top: 1px solid var(--rule); font-size: 14px; color: var(--soft); }
@media (max-width: 759px) {
  body { padding: 16px 16px 48px; } header h1 { font-size: 25px; } .story { font-size: 17px; } section { margin-top: 40px; }
  .tiles { grid-template-columns: 1fr 1fr; gap: 8px; } .tiles li { padding: 10px 12px; } .tiles b { font-size: 19px; }
  nav ul { gap: 0 20px; } nav a { padding: 8px 0; } summary { padding: 10px 0; } .columns { grid-template-columns: 1fr; }
}
@media screen and (min-width: 760px) { .picture { overflow-x: auto; } svg.wide { min-width: 960px; } }
@media screen and (max-width: 759px) {
  .picture { display: none; } svg.narrow { display: block; }
  .stack table, .stack tbody, .stack tr, .stack td, .stack tbody th { display: block; width: 100%; text-align: left; }
  .stack thead { display: none; }
  .stack tr { padding: 10px 0; border-bottom: 1px solid var(--rule); }
  .stack td, .stack tbody th { border: 0; padding: 1px 0; white-space: normal; }
  .stack td::before { content: attr(data-label) ": "; color: var(--soft); }
}
@media print {
  @page { margin: 14mm; }
  :root { color-scheme: light; --paper: #fff; --card: #f2f3f5; --ink: #000; --soft: #444; --rule: #bbb; --grid: #ddd; --blue: #2563c9; --green: #3fa05e; --on-blue: #fff;
    --on-green: #06210f; --part: #7a5bc2; --p99: #b04a10; --good: #14602e; --bad: #9c1c15; }
  body { max-width: none; padding: 0; } .on-paper { display: block; } nav, .skip, figure details, details.long { display: none; } section { margin-top: 28px; }
  figure, .tiles, tr { break-inside: avoid; } h2, h3, figcaption { break-after: avoid; }
  details.block::details-content { content-visibility: visible; display: block; height: auto; } .table { overflow: visible; }
  html { font-size: 14px; } td:not(.number), tbody th { overflow-wrap: anywhere; } thead th { white-space: normal; } th, td { padding-right: 8px; } .number + td, .number + th { padding-left: 8px; }
  #audit .number { white-space: normal; overflow-wrap: anywhere; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`)
