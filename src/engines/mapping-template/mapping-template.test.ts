import assert from "node:assert/strict";
import { test } from "node:test";
import { findPath, renderTemplate, templated, TemplateFault, TemplateObject } from "./index.ts";

const input = templated({ name: "Ann", age: 3, tags: ["a", "b"], at: { "x-y": 1 }, none: null });
const values = () => ({
  root: input,
  text: "a,b",
  util: new TemplateObject({ twice: (value) => Number(value) * 2 }),
  input: new TemplateObject({ path: (path) => findPath(input, String(path)) }),
});
const render = (template: string): string => renderTemplate(template, values());

test("references, quiet ones, escapes and what is no reference", () => {
  assert.equal(
    render("$root.name ${root.name}! $!nothing $nothing $ 5$ \\$root.name"),
    "Ann Ann!  $nothing $ 5$ $root.name",
  );
  assert.equal(render("$root.tags[1] $root.at['x-y'] $root.tags.size() $root.missing."), "b 1 2 .");
  assert.equal(render("$input.path('$.tags[0]') $util.twice(21)"), "a 42");
  assert.equal(render("## gone\na#* gone *#b"), "ab");
});

test("set, if, foreach, break and stop", () => {
  assert.equal(render("#set($x = $root.age + 4 * 2)\n$x"), "11");
  assert.equal(render('#set($x = "hi $root.name ${root.age}")$x'), "hi Ann 3");
  assert.equal(render("#if($root.age > 2 && $root.name == 'Ann')yes#{else}no#end"), "yes");
  assert.equal(render("#if($root.none)a#elseif(!$root.none and 1 lt 2)b#else c#end"), "b");
  assert.equal(render('#if($root.none == "" && $root.missing == "" && $root.name != "")empty#end'), "empty");
  assert.equal(render("#foreach($t in $root.tags)$t#if($foreach.hasNext),#end#end"), "a,b");
  assert.equal(render("#foreach($i in [1..5])$i#if($i == 3)#break#end#end"), "123");
  assert.equal(render("a#stop b"), "a");
  assert.equal(
    render("#set($m = {'a': [1, 2]})#set($m.b = 3)$m.a[1]$m.b#foreach($e in $m.entrySet())$e.key#end"),
    "23ab",
  );
});

test("Java's methods of texts, lists and maps", () => {
  assert.equal(
    render("$text.replace(',', '-') $text.length() $text.substring(2) $text.toUpperCase().contains('A')"),
    "a-b 3 b true",
  );
  assert.equal(
    render("#set($l = [])#set($x = $l.add('q'))$l.size()$l.get(0) $root.keySet()"),
    '1q ["name","age","tags","at","none"]',
  );
});

test("Java's patterns over texts, where they take no longer than the text is", () => {
  assert.equal(render(`#set($t = "it\\'s")$t.replaceAll("\\\\'", "'")`), "it's");
  assert.equal(
    render('$text.replaceAll("[ab]", "<$0>") $text.replaceFirst(",", "\\$") $text.matches("a.b")'),
    "<a>,<b> a$b true",
  );
  assert.equal(render('$text.split(",").size() $text.split(",")[1] $root.name.split("n").size()'), "2 b 1");
  for (const bad of ['$text.replaceAll("(a+)+", "")', '$text.split("a+b+")', '$text.matches("[")'])
    assert.throws(() => render(bad), TemplateFault);
});

test("patterns over long texts count for the work that they are", () => {
  const long = "#set($x = 'a')#foreach($i in [1..14])#set($x = $x.concat($x))#end";
  assert.equal(render(`${long}$x.replaceAll("a*b", "").length()`), "16384");
  const hard = '$x.replaceAll("a*b", "")';
  assert.throws(() => render(`${long}#foreach($i in [1..1000])#set($y = ${hard})#end`), TemplateFault);
  const longer = long.replace("14", "20");
  assert.equal(render(`${longer}$x.replaceFirst("a", "b").replaceFirst("a", "$0c").substring(0, 5)`), "bacaa");
  for (const many of [
    '$x.split("").size()',
    '$x.replaceAll("", "")',
    '$x.replaceAll($x, "")',
    '$x.replaceAll("b?", $x)',
  ])
    assert.throws(() => render(`${longer}#set($y = ${many})`), TemplateFault, many);
});

test("a template that cannot be read, or never ends, is a fault", () => {
  for (const template of [
    "#if(true)",
    "#set($x = )",
    "#foreach($x in",
    "#macro(a)#end",
    "$text.exec('x')",
    "$root.constructor()",
  ])
    assert.throws(() => render(template), TemplateFault, template);
  const nested = "#foreach($a in [1..1000])#foreach($b in [1..1000])x#end#end";
  assert.throws(() => render(nested), TemplateFault);
  assert.throws(
    () => render("#set($x = 'aaaaaaaaaa')#foreach($i in [1..60])#set($x = $x.concat($x))#end"),
    TemplateFault,
  );
  assert.equal(render("$root.__proto__ $util.constructor"), " ");
});

test("paths", () => {
  const value = templated({ a: [{ b: 1 }, { b: 2 }], "c.d": { b: 3 } });
  assert.deepEqual(findPath(value, "$.a[*].b"), [1, 2]);
  assert.equal(findPath(value, "$['c.d'].b"), 3);
  assert.deepEqual(findPath(value, "$..b"), [1, 2, 3]);
  assert.equal(findPath(value, "$.a[-1].b"), 2);
  assert.equal(findPath(value, "$.x.y"), undefined);
  assert.equal(findPath(value, "$"), value);
});

test("values that grow by themselves, or hold themselves, are refused soon", () => {
  const doubled = "#set($a = 'xxxxxxxxxx')".concat("#set($a = $a + $a)".repeat(60), "$a");
  const bushes = "#set($a = [1])".concat("#set($a = [$a, $a])".repeat(60));
  const hostile = [
    doubled,
    `${bushes}$a`,
    `${bushes}#set($m = {'a': 1})$m.get($a)`,
    `${bushes}#if($a == [1])x#end`,
    "#set($l = [])$l.add($l)$l",
    "#set($m = {})$m.put('m', $m)$m",
    `#set($a = 'xxxxxxxxxx')${"#set($a = $a.replace('x', 'xxxxxxxxxx'))".repeat(9)}`,
    `#set($a = 'xxxxxxxxxx')${"#set($a = $a.replace('', $a))".repeat(9)}`,
    `#set($a = '${"x".repeat(300_000)}')#foreach($i in [1..50000])#if($a.contains('y'))#end#end`,
    `#if(${"!".repeat(100_000)}true)x#end`,
  ];
  for (const template of hostile) {
    const started = performance.now();
    assert.throws(() => render(template), TemplateFault, template.slice(0, 80));
    assert.ok(performance.now() - started < 3_000, template.slice(0, 80));
  }
});

test("a path that asks for everything below everything is bounded", () => {
  const wide = templated(Array.from({ length: 300 }, () => Array.from({ length: 300 }, () => [1, [2, [3]]])));
  const started = performance.now();
  assert.ok((findPath(wide, "$..*..*..*") as unknown[]).length <= 100_000);
  assert.ok(performance.now() - started < 3_000);
  assert.equal((findPath(templated(Array.from({ length: 200_000 }, () => 1)), "$..*") as unknown[]).length, 100_000);
});
