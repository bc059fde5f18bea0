//! What may a template do? Place values, choose, repeat and filter; anything else is refused before it is compiled, because
//! compiling computes already what stands fast.
//!
//! The tree is MiniJinja's own, so nothing is understood in another way here than there. That interface promises nothing from one
//! version to the next; a change of it shows when this is built.

use super::filter::{self, Given};
use minijinja::machinery::ast::{BinOpKind, CallArg, Expr, Stmt, UnaryOpKind};

/// The statements that a template may use.
const STATEMENTS: &str = "if, elif, else, endif, for, endfor";
/// The tests behind `is`.
pub(super) const TESTS: &[&str] = &["defined", "undefined", "none"];

/// Looks at a whole template.
///
/// # Errors
/// What it may not do, as the end of a sentence that begins with the template.
pub(super) fn check(statement: &Stmt<'_>) -> Result<(), String> {
    match statement {
        Stmt::Template(template) => all(&template.children),
        Stmt::EmitRaw(_) => Ok(()),
        Stmt::EmitExpr(emit) => expression(&emit.expr),
        Stmt::ForLoop(repeat) => {
            if repeat.recursive {
                return Err("uses a recursive loop; a template repeats only what stands in a list".to_owned());
            }
            expression(&repeat.iter)?;
            repeat.filter_expr.iter().try_for_each(expression)?;
            all(&repeat.body)?;
            all(&repeat.else_body)
        }
        Stmt::IfCond(choice) => {
            expression(&choice.expr)?;
            all(&choice.true_body)?;
            all(&choice.false_body)
        }
        Stmt::Set(_) | Stmt::SetBlock(_) => Err(uses("set")),
        Stmt::WithBlock(_) => Err(uses("with")),
        Stmt::AutoEscape(_) => Err(uses("autoescape")),
        Stmt::FilterBlock(_) => Err(uses("filter")),
        Stmt::Do(_) => Err(uses("do")),
    }
}

fn uses(statement: &str) -> String {
    format!("uses {{% {statement} %}}; a template knows {STATEMENTS}")
}

fn all(statements: &[Stmt<'_>]) -> Result<(), String> {
    statements.iter().try_for_each(check)
}

fn expressions<'a>(all: impl IntoIterator<Item = &'a Expr<'a>>) -> Result<(), String> {
    all.into_iter().try_for_each(expression)
}

fn expression(what: &Expr<'_>) -> Result<(), String> {
    match what {
        Expr::Var(_) | Expr::Const(_) => Ok(()),
        Expr::Slice(slice) => {
            expression(&slice.expr)?;
            expressions(slice.start.iter().chain(&slice.stop).chain(&slice.step))
        }
        Expr::UnaryOp(unary) => match (&unary.op, &unary.expr) {
            (UnaryOpKind::Not, inner) => expression(inner),
            (UnaryOpKind::Neg, Expr::Const(_)) => Ok(()),
            (UnaryOpKind::Neg, _) => Err(computes("-")),
        },
        Expr::BinOp(pair) => {
            operator(pair.op)?;
            expressions([&pair.left, &pair.right])
        }
        Expr::Compare(chain) => {
            expression(&chain.expr)?;
            expressions(chain.ops.iter().map(|next| &next.expr))
        }
        Expr::IfExpr(choice) => {
            expressions([&choice.test_expr, &choice.true_expr])?;
            choice.false_expr.iter().try_for_each(expression)
        }
        Expr::Filter(filter) => {
            filter.expr.iter().try_for_each(expression)?;
            filtered(filter.name, &filter.args)
        }
        Expr::Test(test) => {
            if !TESTS.contains(&test.name) {
                return Err(format!(
                    "asks for \"is {}\"; a template knows is {}",
                    test.name,
                    TESTS.join(", is ")
                ));
            }
            expression(&test.expr)
        }
        Expr::GetAttr(field) => expression(&field.expr),
        Expr::GetItem(item) => expressions([&item.expr, &item.subscript_expr]),
        Expr::Call(call) => match &call.expr {
            Expr::GetAttr(field) if matches!(&field.expr, Expr::Var(name) if name.id == "loop") => {
                call.args.iter().try_for_each(|given| expression(value_of(given)))
            }
            _ => Err("calls a function; a template has filters, such as {{ name|upper }}".to_owned()),
        },
        Expr::List(list) => expressions(&list.items),
        Expr::Tuple(tuple) => expressions(&tuple.items),
        Expr::Map(map) => expressions(map.keys.iter().chain(&map.values)),
    }
}

fn computes(sign: &str) -> String {
    format!("uses {sign}; a template places values and does not compute")
}

fn operator(operator: BinOpKind) -> Result<(), String> {
    let sign = match operator {
        BinOpKind::Eq
        | BinOpKind::Ne
        | BinOpKind::Lt
        | BinOpKind::Lte
        | BinOpKind::Gt
        | BinOpKind::Gte
        | BinOpKind::ScAnd
        | BinOpKind::ScOr
        | BinOpKind::In => return Ok(()),
        BinOpKind::Add => "+",
        BinOpKind::Sub => "-",
        BinOpKind::Mul => "*",
        BinOpKind::Div => "/",
        BinOpKind::FloorDiv => "//",
        BinOpKind::Rem => "%",
        BinOpKind::Pow => "**",
        BinOpKind::Concat => "~",
    };
    Err(computes(sign))
}

const fn value_of<'a>(given: &'a CallArg<'a>) -> &'a Expr<'a> {
    match given {
        CallArg::Pos(value)
        | CallArg::Kwarg(_, value)
        | CallArg::PosSplat(value)
        | CallArg::KwargSplat(value) => value,
    }
}

/// A filter, and what it is given: what is written out is checked now, the rest when it is rendered.
fn filtered(name: &str, with: &[CallArg<'_>]) -> Result<(), String> {
    let Some(filter) = filter::find(name) else {
        return Err(format!("uses the filter {name}, which is not known; known are {}", filter::known()));
    };
    let refused = |why: String| format!("gives the filter {name} what it cannot take: it {why}");
    let mut given = Given::new(filter);
    for one in with {
        let value = value_of(one);
        expression(value)?;
        let written = match value {
            Expr::Const(value) => Some(value.value.clone()),
            _ => None,
        };
        match one {
            CallArg::Pos(_) => given.next(written).map_err(refused)?,
            CallArg::Kwarg(name, _) => given.named(name, written).map_err(refused)?,
            CallArg::PosSplat(_) | CallArg::KwargSplat(_) => {
                return Err(format!("gives {name} a list of values by *; name them one by one"));
            }
        }
    }
    given.check().map_err(refused)
}
