import { parseXml, type XmlElement } from "../../../aws/protocol/xml-parser.ts";

/** An element of a report's file. */
export interface Found {
  readonly element: XmlElement;
  /** What it is in, the outermost first. */
  readonly parents: readonly XmlElement[];
}

/** The root of an XML file; throws where there is none. */
export function xml(text: string): XmlElement {
  const root = parseXml(text);
  if (!root) throw new Error("the file has no XML element");
  return root;
}

/** The elements of a name at any depth, but none within another; the parser bounds the depth. */
export function below(element: XmlElement, name: string, parents: readonly XmlElement[] = []): Found[] {
  if (element.name === name) return [{ element, parents }];
  const inside = [...parents, element];
  return element.children.flatMap((child) => below(child, name, inside));
}

/** The first child of a name. */
export const child = (element: XmlElement | undefined, name: string): XmlElement | undefined =>
  element?.children.find((one) => one.name === name);
