/**
 * How the page looks. Colours are those of Okabe and Ito, which the colour-blind can tell apart;
 * lines differ in their dashes and marks as well. Dark pages have lighter ones.
 */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --card: #f6f7f9; --ink: #1b1f24; --soft: #57606a; --faint: #8c959f;
  --line: #d8dee4; --link: #0550ae; --good: #116329; --bad: #a40e26;
  --series-0: #0072b2; --series-1: #d55e00; --series-2: #00805a; --series-3: #a8457f;
  --series-4: #7a6a00; --series-5: #6e7781;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0d1117; --card: #161b22; --ink: #e6edf3; --soft: #9da7b3; --faint: #6e7681;
    --line: #30363d; --link: #79b8ff; --good: #56d364; --bad: #ff8f87;
    --series-0: #56b4e9; --series-1: #ff9a4d; --series-2: #2fcb9b; --series-3: #f0a6cf;
    --series-4: #f0e442; --series-5: #9da7b3;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 76rem; background: var(--page);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif;
}
h1 { margin: 0; font-size: 1.9rem; }
h2 { margin: 2.8rem 0 0.3rem; font-size: 1.4rem; }
h3 { margin: 0 0 0.3rem; font-size: 1rem; }
p { margin: 0.3rem 0 0.8rem; max-width: 50rem; }
a { color: var(--link); }
nav { display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; margin: 0.8rem 0; }
.soft { color: var(--soft); }
.charts {
  display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr));
}
figure { margin: 0; padding: 0.9rem 0.7rem 0.4rem; background: var(--card); border-radius: 8px; }
figure.bars { grid-column: 1 / -1; }
figure.bars svg { max-width: 900px; }
figure svg { display: block; width: 100%; height: auto; }
figure .narrow { display: none; }
@media (max-width: 40rem) {
  body { padding: 1rem 0.6rem 3rem; }
  figure { padding: 0.7rem 0.3rem 0.2rem; }
  figure .wide { display: none; }
  figure .narrow { display: block; }
}
.legend { display: flex; flex-wrap: wrap; gap: 0.2rem 1.1rem; margin: 0.6rem 0; }
.legend { padding: 0; list-style: none; }
.legend li { display: flex; align-items: center; gap: 0.4rem; }
.legend svg { width: 44px; height: 14px; }
.table { overflow-x: auto; margin: 0.8rem 0; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td {
  padding: 0.25rem 0.7rem 0.25rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); white-space: nowrap;
}
.long { white-space: normal; min-width: 16rem; }
thead th { color: var(--soft); font-weight: 600; }
.figure { text-align: right; }
.met { color: var(--good); }
.missed { color: var(--bad); font-weight: 700; }
summary { cursor: pointer; color: var(--link); }
ul.answers { padding-left: 1.2rem; max-width: 50rem; }
`
