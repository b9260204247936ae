//! The graph that every tool builds: leaves that each copy a file of their own without its comments, and sums of ten each above
//! them, up to one. What it is made of is the same for all; only how it is written down is each tool's own.

use std::fmt::Write;
use std::fs;
use std::path::Path;

/// How many results a sum is made of.
const FAN: usize = 10;

/// A node of the graph; its number is its place, and its name.
pub enum Node {
    /// Makes `out/N` of `src/N/word`.
    Leaf,
    /// Makes `out/N` of the results of these.
    Sum(std::ops::Range<usize>),
}

pub struct Graph {
    /// What is needed comes before what needs it; the last needs all.
    pub nodes: Vec<Node>,
}

impl Graph {
    /// One of about so many nodes: nine leaves to a sum.
    pub fn new(size: usize) -> Graph {
        let mut nodes: Vec<Node> = (0..(size * 9 / 10).max(1)).map(|_| Node::Leaf).collect();
        let mut level = 0..nodes.len();
        while level.len() > 1 {
            let above = nodes.len();
            let starts = level.clone().step_by(FAN);
            nodes.extend(starts.map(|start| Node::Sum(start..(start + FAN).min(level.end))));
            level = above..nodes.len();
        }
        Graph { nodes }
    }

    /// Writes the sources of all leaves into a folder.
    pub fn write_sources(&self, folder: &Path) {
        for (number, node) in self.nodes.iter().enumerate() {
            if let Node::Leaf = node {
                let source = folder.join("src").join(number.to_string());
                fs::create_dir_all(&source).unwrap();
                fs::write(source.join("word"), format!("# a comment\n{number}\n")).unwrap();
            }
        }
    }

    /// Each node's shell command in a folder that has `src` and `out`.
    pub fn commands(&self) -> impl Iterator<Item = String> {
        self.nodes
            .iter()
            .enumerate()
            .map(|(number, node)| match node {
                Node::Leaf => format!("grep -v '#' src/{number}/word > out/{number}"),
                Node::Sum(parts) => {
                    let mut command = String::from("cat");
                    for part in parts.clone() {
                        write!(command, " out/{part}").unwrap();
                    }
                    format!("{command} > out/{number}")
                }
            })
    }

    /// The files that each node reads.
    pub fn inputs(&self, number: usize) -> Vec<String> {
        match &self.nodes[number] {
            Node::Leaf => vec![format!("src/{number}/word")],
            Node::Sum(parts) => parts.clone().map(|part| format!("out/{part}")).collect(),
        }
    }
}
