import { findCycle, dependencyGraph } from "./dependency-graph.ts";
import type { Reference } from "./references.ts";
import { findReferences } from "./references.ts";
import { getAttAttributes } from "./resource-schemas.ts";
import type { Template } from "./template.ts";
import { PSEUDO_PARAMETERS } from "./template.ts";

type Report = { add(path: string, message: string): void };

/** Checks that every name which the template refers to exists, and that resources do not wait for each other in a ring. */
export function checkReferences(template: Template, report: Report): void {
  checkConditions(template, report);
  const missing: string[] = [];
  let missingAt = "";
  const note = (name: string, path: string): void => {
    if (missing.includes(name)) return;
    missing.push(name);
    missingAt ||= path;
  };
  for (const [id, resource] of Object.entries(template.resources)) {
    const path = `/Resources/${id}`;
    for (const other of resource.dependsOn) if (!template.resources[other]) note(other, `${path}/DependsOn`);
    if (resource.condition && !(resource.condition in template.conditions)) {
      report.add(
        `${path}/Condition`,
        `Template format error: Unresolved condition dependency ${resource.condition} in the Resources block of the template`,
      );
    }
    const values = {
      Properties: resource.properties,
      UpdatePolicy: resource.updatePolicy,
      CreationPolicy: resource.creationPolicy,
    };
    for (const [part, value] of Object.entries(values)) {
      if (value === undefined) continue;
      for (const ref of findReferences(value, `${path}/${part}`)) checkReference(template, ref, note, report);
    }
  }
  if (missing.length > 0) report.add(missingAt, unresolved(missing, "Resources"));
  checkOutputs(template, report);
  if (missing.length > 0) return;
  const cycle = findCycle(dependencyGraph(template));
  if (cycle) report.add(`/Resources/${cycle[0]}`, `Circular dependency between resources: [${cycle.join(", ")}]`);
}

function unresolved(names: readonly string[], block: string): string {
  return `Template format error: Unresolved resource dependencies [${names.join(", ")}] in the ${block} block of the template`;
}

function checkReference(
  template: Template,
  ref: Reference,
  note: (name: string, path: string) => void,
  report: Report,
): void {
  if (ref.kind === "Condition") {
    // A member that happens to be called Condition (in an IAM statement) is data; only Fn::If must resolve.
    if (!(ref.name in template.conditions) && !ref.path.endsWith("Condition") && isIf(template, ref)) {
      report.add(ref.path, `Template error: unresolved condition dependency ${ref.name} in Fn::If`);
    }
    return;
  }
  if (ref.kind === "Ref") {
    const known = ref.name in template.parameters || ref.name in template.resources || PSEUDO_PARAMETERS.has(ref.name);
    if (!known) note(ref.name, ref.path);
    return;
  }
  const resource = template.resources[ref.name];
  if (!resource) {
    if (ref.kind === "GetAtt" && !ref.inText)
      report.add(ref.path, `Template error: instance of Fn::GetAtt references undefined resource ${ref.name}`);
    else note(ref.name, ref.path);
    return;
  }
  const attributes = ref.attribute ? getAttAttributes(resource.type) : undefined;
  if (attributes && ref.attribute && !attributes.has(ref.attribute)) {
    report.add(
      ref.path,
      `Template error: resource ${ref.name} does not support attribute type ${ref.attribute} in Fn::GetAtt`,
    );
  }
}

function isIf(template: Template, ref: Reference): boolean {
  let at: unknown = template.source;
  for (const key of ref.path.split("/").slice(1)) at = (at as Record<string, unknown> | undefined)?.[key];
  return typeof at === "object" && at !== null && "Fn::If" in at;
}

function checkConditions(template: Template, report: Report): void {
  for (const [name, value] of Object.entries(template.conditions)) {
    for (const ref of findReferences(value, `/Conditions/${name}`)) {
      if (ref.kind === "Condition") {
        if (!(ref.name in template.conditions)) {
          report.add(
            ref.path,
            `Template format error: Unresolved condition dependency ${ref.name} in the Conditions block of the template`,
          );
        }
        continue;
      }
      if (ref.kind === "Ref" && (ref.name in template.parameters || PSEUDO_PARAMETERS.has(ref.name))) continue;
      report.add(
        ref.path,
        `Template format error: Unresolved dependencies [${ref.name}]. Cannot reference resources in the Conditions block of the template`,
      );
    }
  }
  const graph = new Map<string, string[]>();
  for (const [name, value] of Object.entries(template.conditions)) {
    graph.set(
      name,
      findReferences(value)
        .filter((ref) => ref.kind === "Condition")
        .map((ref) => ref.name),
    );
  }
  const cycle = findCycle(graph);
  if (cycle)
    report.add(
      `/Conditions/${cycle[0]}`,
      `Template format error: Circular dependencies between conditions: [${cycle.join(", ")}]`,
    );
}

function checkOutputs(template: Template, report: Report): void {
  const missing: string[] = [];
  let at = "";
  for (const [name, output] of Object.entries(template.outputs)) {
    if (output.condition && !(output.condition in template.conditions)) {
      report.add(
        `/Outputs/${name}/Condition`,
        `Template format error: Unresolved condition dependency ${output.condition} in the Outputs block of the template`,
      );
    }
    const note = (id: string, path: string): void => {
      if (!missing.includes(id)) missing.push(id);
      at ||= path;
    };
    for (const ref of findReferences(output.value, `/Outputs/${name}/Value`))
      checkReference(template, ref, note, report);
  }
  if (missing.length > 0) report.add(at, unresolved(missing, "Outputs"));
}
