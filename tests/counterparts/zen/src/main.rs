//! How many events can zen-expression be asked about in a second, where no call from another language is in the way? Speaks as
//! tests/speed does: the verdicts first, then, for each line "evaluation" that comes, nanoseconds an event by case.

use serde_json::{Value, json};
use std::{
    error::Error,
    hint::black_box,
    io::BufRead as _,
    time::{Duration, Instant},
};
use zen_expression::{compile_expression, variable::Variable, vm::VM};

const SPAN: Duration = Duration::from_millis(200);

/// Nanoseconds for each of `count` things that `pass` does.
fn nanos(count: usize, mut pass: impl FnMut()) -> f64 {
    pass();
    let (mut done, begun) = (0, Instant::now());
    loop {
        for _ in 0..100 {
            pass();
        }
        done += 100 * count;
        let spent = begun.elapsed();
        if spent >= SPAN {
            return spent.as_nanos() as f64 / done as f64;
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let cases: Value = serde_json::from_str(include_str!("../../../speed/cases.json"))?;
    let compiled = compile_expression(cases["zen"].as_str().ok_or("no expression")?)?;
    let texts: Vec<String> =
        cases["payloads"].as_array().ok_or("no payloads")?.iter().map(Value::to_string).collect();
    let payloads: Vec<Variable> =
        texts.iter().map(|text| serde_json::from_str(text)).collect::<Result<_, _>>()?;
    let mut vm = VM::new();
    let mut holds = |data: &Variable| {
        let verdict = compiled.evaluate_with(data.clone(), &mut vm).ok();
        verdict.and_then(|verdict| verdict.as_bool()).unwrap_or_default()
    };
    let matches: Vec<bool> = payloads.iter().map(&mut holds).collect();
    println!("{}", json!({"matches": matches}));
    let (matching, others): (Vec<&Variable>, Vec<&Variable>) = payloads.iter().partition(|data| holds(data));
    let all: Vec<&Variable> = payloads.iter().collect();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if line.trim() != "evaluation" {
            return Err(format!("there is no part {line}").into());
        }
        let mut ask = |payloads: &[&Variable]| {
            nanos(payloads.len(), || {
                for data in payloads {
                    black_box(holds(black_box(data)));
                }
            })
        };
        let (verdict, met, unmet) = (ask(&all), ask(&matching), ask(&others));
        let both = nanos(texts.len(), || {
            for text in &texts {
                black_box(serde_json::from_str::<Variable>(black_box(text)).is_ok_and(|data| holds(&data)));
            }
        });
        println!(
            "{}",
            json!({"verdict": verdict, "verdict, matching": met, "verdict, not matching": unmet, "reading and verdict": both})
        );
    }
    Ok(())
}
