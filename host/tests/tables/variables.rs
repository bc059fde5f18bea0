//! Variables: who wins, and what templates do.

use std::collections::BTreeMap;

use host::manifest::Manifest;
use host::variables::{Missing, Variables, given};

fn resolve(
    declared: &str,
    own: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Result<Variables, String> {
    let text = format!(
        "spin_manifest_version = 2\n[application]\nname = \"a\"\n[variables]\n{declared}\n[component.c]\nsource = \"c.wasm\"\n[component.c.variables]\n{own}\n"
    );
    let manifest = Manifest::parse(&text, "spin.toml").map_err(|e| e.to_string())?;
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let given: BTreeMap<String, String> = given(&arguments).map_err(|e| e.to_string())?;
    let find =
        |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Variables::resolve(&manifest, &given, find).map_err(|e| e.to_string())
}

#[test]
fn the_command_line_wins_over_the_environment_over_the_default() {
    let declared = "x = { default = \"default\" }";
    let own = "seen = \"{{ x }}\"";
    let environment = [("SPIN_VARIABLE_X", "environment")];
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);
    let cases: [Case<'_>; 5] = [
        (&[], &[], "default"),
        (&[], &environment, "environment"),
        (&["x=argument"], &environment, "argument"),
        (&["x="], &environment, ""),
        (&["x=a=b"], &[], "a=b"),
    ];
    for (arguments, environment, expected) in cases {
        assert_eq!(
            resolve(declared, own, arguments, environment).unwrap().get("c", "seen"),
            Ok(expected.to_owned())
        );
    }
}

#[test]
fn templates() {
    let declared = "a = { default = \"1\" }\nb_2 = { default = \"2\" }";
    for (template, expected) in [
        ("", Some("")),
        ("plain } {", Some("plain } {")),
        ("{{ a }}{{b_2}}", Some("12")),
        ("x-{{  a  }}-y", Some("x-1-y")),
        ("{{ a", None),
        ("{{ c }}", None),
        ("{{ }}", None),
    ] {
        let resolved = resolve(declared, &format!("t = \"{template}\""), &[], &[]);
        match expected {
            Some(expected) => assert_eq!(resolved.unwrap().get("c", "t"), Ok(expected.to_owned())),
            None => assert!(resolved.unwrap_err().contains("'t' of the component 'c'"), "{template}"),
        }
    }
}

#[test]
fn a_component_sees_only_its_own() {
    let variables = resolve("x = { default = \"1\" }", "y = \"2\"", &[], &[]).unwrap();
    assert_eq!(variables.get("c", "y"), Ok("2".to_owned()));
    assert!(matches!(variables.get("c", "x"), Err(Missing::Undefined(_))));
    assert!(matches!(variables.get("other", "y"), Err(Missing::Undefined(_))));
    for name in ["", "Y", "y-y", "y__y", "y_", "1y", "_y"] {
        assert!(matches!(variables.get("c", name), Err(Missing::Invalid(_))), "{name}");
    }
}

#[test]
fn a_missing_value_is_named_and_no_value_is_shown() {
    let error = resolve(
        "a = { required = true }\nb = { required = true }\nd = { default = \"hush\" }",
        "",
        &["b=quiet"],
        &[],
    )
    .unwrap_err();
    assert!(error.contains(": a.") && error.contains("SPIN_VARIABLE_A"), "{error}");
    assert!(!error.contains("hush") && !error.contains("quiet"), "{error}");
}

#[test]
fn files() {
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = |name: &str, text: &str| {
        std::fs::write(directory.join(name), text).unwrap();
        directory.join(name).display().to_string()
    };
    let toml = format!("@{}", file("values.toml", "a = \"1\"\nb = \"2\"\n"));
    let one = format!("a=@{}", file("one.txt", "from the file\n"));
    let all = given(&[toml, one]).unwrap();
    assert_eq!((all["a"].as_str(), all["b"].as_str()), ("from the file\n", "2"));
    for wrong in ["x", "@nothing.toml", "@x.yaml", "a=@nothing"] {
        assert!(given(&[wrong.to_owned()]).is_err(), "{wrong}");
    }
    let error = given(&["secret-without-equals".to_owned()]).unwrap_err().to_string();
    assert!(!error.contains("secret-without"), "{error}");
}

#[test]
fn values_are_replaced_all_at_once() {
    let of = |value: &str| {
        let declared = format!("x = {{ default = \"{value}\" }}");
        resolve(&declared, "seen = \"{{ x }}\"", &[], &[]).unwrap()
    };
    let variables = of("old");
    variables.replace(of("new"));
    assert_eq!(variables.get("c", "seen"), Ok("new".to_owned()));
}
