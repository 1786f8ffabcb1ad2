/** How the report looks on a screen and on paper: one column, black on white, A4 and Letter alike. */
export const STYLE = `
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 46rem; padding: 2rem 1.5rem 3rem; background: #fff; color: #1b1f23;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", Arial, sans-serif; }
h1 { margin: 0 0 .2rem; font-size: 1.9rem; line-height: 1.2; }
h2 { margin: 2.2rem 0 .6rem; padding-bottom: .2rem; border-bottom: 1px solid #c9ced4; font-size: 1.3rem; }
h3 { margin: 1.3rem 0 .4rem; font-size: 1.02rem; }
p { margin: .4rem 0; }
.sub { color: #4b545d; }
.box { margin: 1.2rem 0; padding: .8rem 1rem; border: 2px solid; border-radius: .5rem; overflow-wrap: anywhere; }
.box.good { border-color: #2b6a4a; } .box.bad { border-color: #a61b14; background: #fdecea; color: #7a120d; }
.box strong { font-size: 1.1rem; }
ul.short { margin: 0; padding: 0; list-style: none; }
ul.short li { padding: .3rem 0 .3rem 1.7rem; text-indent: -1.7rem; overflow-wrap: anywhere; }
ul.short .mark { display: inline-block; width: 1.7rem; text-indent: 0; font-weight: 700; }
.good .mark { color: #2b6a4a; } .bad .mark { color: #a61b14; } .plain .mark { color: #68727c; }
table { width: 100%; margin: .5rem 0 1rem; border-collapse: collapse; font-size: .9rem; }
th, td { padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #dfe3e7; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
thead th { border-bottom: 1px solid #68727c; font-weight: 600; overflow-wrap: normal; }
tbody th { font-weight: 500; }
td.num, th.num { text-align: right; font-variant-numeric: tabular-nums; overflow-wrap: normal; white-space: nowrap; }
td.from { color: #4b545d; font-size: .82rem; }
td.time { white-space: nowrap; font-variant-numeric: tabular-nums; }
td.is { white-space: nowrap; font-weight: 600; }
td.is.good { color: #2b6a4a; } td.is.bad { color: #a61b14; }
figure { margin: .8rem 0; } figcaption { color: #4b545d; font-size: .8rem; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 9.5px system-ui, "Noto Sans", "DejaVu Sans", Arial, sans-serif; fill: #4b545d; }
svg .kept { fill: #2b6a4a; } svg .late { fill: #a61b14; }
svg .open { fill: #fff; stroke: #68727c; stroke-width: 1.2; }
svg .axis { stroke: #68727c; stroke-width: .8; }
svg .promise { stroke: #1b1f23; stroke-width: 1; stroke-dasharray: 5 3; }
pre, code { font: .82rem/1.45 ui-monospace, "DejaVu Sans Mono", Consolas, monospace; }
pre { margin: .4rem 0; padding: .6rem .8rem; border: 1px solid #dfe3e7; white-space: pre-wrap; overflow-wrap: anywhere; }
@media screen and (max-width: 40rem) {
  body { padding: 1rem .8rem 2rem; } table { font-size: .78rem; } th, td { padding-right: .35rem; }
  td.time, td.is, td.num, th.num { white-space: normal; overflow-wrap: anywhere; }
}
@page { margin: 16mm 15mm 18mm; @bottom-right { content: counter(page) " / " counter(pages); font: 9pt sans-serif; } }
@media print {
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  h1 { font-size: 20pt; } h2 { font-size: 14pt; margin-top: 18pt; }
  h2, h3 { break-after: avoid; } thead { display: table-header-group; }
  tr, figure, .box, ul.short li, table.keep, pre { break-inside: avoid; }
  p { orphans: 3; widows: 3; }
  .box, svg { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
`;
