//! The codes of the schema layer, for whoever explains or lists them. What exactly is wrong stands in each defect.

/// A code of the schema layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaCode {
    /// Stable.
    pub code: &'static str,
    /// What it says, in Chinese.
    pub zh: &'static str,
    /// In English.
    pub en: &'static str,
}

const fn code(code: &'static str, zh: &'static str, en: &'static str) -> SchemaCode {
    SchemaCode { code, zh, en }
}

/// Every code, the reader's first.
pub static SCHEMA_CODES: [SchemaCode; 26] = [
    code("S-ENCODING", "不是 UTF-8，或声明了其他编码", "not UTF-8, or another encoding is declared"),
    code("S-XML", "不是格式良好的 XML", "not well-formed XML"),
    code(
        "S-REFUSED",
        "含有本网关不接受的 DOCTYPE、处理指令或实体",
        "a DOCTYPE, a processing instruction or an entity, which the gateway refuses",
    ),
    code("S-PREFIX", "命名空间前缀未声明或用法不当", "a namespace prefix that is not declared or not used rightly"),
    code("S-LIMIT", "超出大小、层数、节点数或属性数上限", "too large, too deep, or too many elements or attributes"),
    code("S-ROOT", "根节点不是已知报文", "the root is no known message"),
    code("S-NAMESPACE", "节点的命名空间不符", "an element in the wrong namespace"),
    code("S-MISSING", "缺少节点", "an element is missing"),
    code("S-ORDER", "节点顺序不符", "an element in the wrong place"),
    code("S-COUNT", "节点出现次数过多", "an element that is there too often"),
    code("S-UNEXPECTED", "不应有的节点", "an element that has no place there"),
    code("S-TEXT", "不应有的文字", "text that has no place there"),
    code("S-ATTRIBUTE", "不应有的属性", "an attribute that has no place there"),
    code("S-ATTRIBUTE-MISSING", "缺少属性", "an attribute is missing"),
    code("S-INSTANCE", "不接受的 xsi 属性", "an xsi attribute that is not accepted"),
    code("S-LENGTH", "字符数不符", "a value of the wrong length, in characters"),
    code("S-DECIMAL", "不是十进制数", "not a decimal number"),
    code("S-INTEGER", "不是整数", "not a whole number"),
    code("S-DIGITS", "数字位数过多", "too many digits"),
    code("S-FRACTION", "小数位数过多", "too many digits behind the point"),
    code("S-DATE", "不是日期", "not a day"),
    code("S-DATETIME", "不是日期时间", "not a moment"),
    code("S-BASE64", "不是 Base64", "not base64"),
    code("S-URI", "不是 URI", "not a URI"),
    code("S-ID", "标识不是 XML 名称，或与他处重复", "an identity that is no XML name, or is used twice"),
    code("S-FIXED", "不是规定的固定值", "not the one value that is allowed"),
];

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// The codes that the source of this family writes, tests left out.
    fn written(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                written(&path, found);
            } else if name.ends_with(".rs") && !["codes.rs", "tests.rs"].contains(&name) {
                let text = fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
                let codes = text.split("\"S-").skip(1).filter_map(|rest| rest.split('"').next());
                found.extend(codes.map(|code| format!("S-{code}")));
            }
        }
    }

    #[test]
    fn every_code_that_is_used_is_listed() {
        let mut used = BTreeSet::new();
        written(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/message"), &mut used);
        // Our own schemas could not be loaded: no fault of a message, and no code that a message can meet.
        assert!(used.remove("S-SCHEMA"));
        let listed: BTreeSet<_> = SCHEMA_CODES.iter().map(|code| code.code.to_owned()).collect();
        assert_eq!(used, listed);
        assert_eq!(listed.len(), SCHEMA_CODES.len());
    }
}
