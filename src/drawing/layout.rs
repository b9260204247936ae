//! Where the boxes and lines of a drawing go: layers from top to bottom, each box as low as what needs it permits. Pure.

use rust_sugiyama::configure::{Config, CrossingMinimization, RankingType};
use rust_sugiyama::from_vertices_and_edges;

/// Between boxes, and around all of them.
const GAP: f64 = 24.0;
/// The height of the lines' room between two layers.
const ROOM: f64 = 36.0;
/// The width that a line takes where it passes a layer.
const LINE: f64 = 8.0;

/// A point: right, then down.
pub type Point = (f64, f64);

/// A layout.
#[derive(Debug, PartialEq)]
pub struct Layout {
    /// The size of the whole.
    pub size: Point,
    /// The middles of the boxes.
    pub boxes: Vec<Point>,
    /// The lines, in the edges' order: from the bottom of a box through the layers between to the top of another.
    pub lines: Vec<Vec<Point>>,
}

/// Lays out boxes of some widths and one height. Edges go from a smaller place to a greater one.
pub fn layout(widths: &[f64], height: f64, edges: &[(usize, usize)]) -> Layout {
    let layers = layers(widths.len(), edges);
    // A line has a vertex of its own in each layer that it passes.
    let mut vertices: Vec<f64> = widths.to_vec();
    let mut rows = layers.clone();
    let mut short = Vec::new();
    let mut chains = Vec::new();
    for &(from, to) in edges {
        let mut chain = vec![from];
        for layer in layers[from] + 1..layers[to] {
            chain.push(vertices.len());
            vertices.push(LINE);
            rows.push(layer);
        }
        chain.push(to);
        short.extend(chain.windows(2).map(|pair| (pair[0], pair[1])));
        chains.push(chain);
    }
    let (right, width) = columns(&vertices, &short);
    let down = |vertex: usize| GAP + height / 2.0 + rows[vertex] as f64 * (height + ROOM);
    let middle = |vertex: usize| (right[vertex], down(vertex));
    let line = |chain: &Vec<usize>| {
        let mut line = Vec::new();
        for (place, &vertex) in chain.iter().enumerate() {
            let (x, y) = middle(vertex);
            if place > 0 {
                line.push((x, y - height / 2.0));
            }
            if place + 1 < chain.len() {
                line.push((x, y + height / 2.0));
            }
        }
        line
    };
    let rows = layers.iter().max().map_or(0, |last| last + 1) as f64;
    Layout {
        size: (width, 2.0 * GAP + rows * (height + ROOM) - ROOM),
        boxes: (0..widths.len()).map(middle).collect(),
        lines: chains.iter().map(line).collect(),
    }
}

/// The layer of each box, the top one 0: right above the topmost of those that need it.
fn layers(count: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    // From the bottom: what is needed has a smaller place, so whoever needs it is known.
    let mut above = vec![0; count];
    let mut edges = edges.to_vec();
    edges.sort_unstable_by_key(|(from, _)| std::cmp::Reverse(*from));
    for (from, to) in edges {
        above[from] = above[from].max(above[to] + 1);
    }
    let top = above.iter().max().copied().unwrap_or(0);
    above.into_iter().map(|above| top - above).collect()
}

/// How far to the right the middle of each vertex is, and how wide the whole. All edges lead from a layer to the next.
fn columns(widths: &[f64], edges: &[(usize, usize)]) -> (Vec<f64>, f64) {
    let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
    let vertices: Vec<(u32, (f64, f64))> = widths
        .iter()
        .enumerate()
        .map(|(place, width)| (number(place), (*width, 1.0)))
        .collect();
    let edges: Vec<(u32, u32)> = edges
        .iter()
        .map(|(from, to)| (number(*from), number(*to)))
        .collect();
    let config = Config {
        vertex_spacing: GAP,
        ranking_type: RankingType::MinimizeEdgeLength,
        c_minimization: CrossingMinimization::Barycenter,
        ..Config::default()
    };
    let mut right = vec![0.0; widths.len()];
    let mut begin = GAP;
    // What is not connected stands side by side.
    for (part, ..) in from_vertices_and_edges(&vertices, &edges, &config) {
        let left = |(place, (x, _)): &(usize, (f64, f64))| x - widths[*place] / 2.0;
        let first = part.iter().map(left).fold(f64::INFINITY, f64::min);
        let mut end = begin;
        for (place, (x, _)) in part {
            right[place] = x - first + begin;
            end = f64::max(end, right[place] + widths[place] / 2.0);
        }
        begin = end + GAP;
    }
    (right, begin)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEIGHT: f64 = 40.0;

    #[test]
    fn what_is_needed_stands_right_above_who_needs_it() {
        // 0 and 1 are needed by 2, 1 and 2 by 3.
        let edges = [(0, 2), (1, 2), (2, 3), (1, 3)];
        assert_eq!(layers(4, &edges), [0, 0, 1, 2]);
        let layout = layout(&[80.0; 4], HEIGHT, &edges);
        // Past the layer of 2 the last line goes straight.
        assert_eq!(layout.lines[3].len(), 4);
        assert_eq!(layout.lines[3][1].0, layout.lines[3][2].0);
        assert_eq!(layout.size.1, 2.0 * GAP + 3.0 * HEIGHT + 2.0 * ROOM);
    }

    #[test]
    fn nothing_takes_no_room() {
        assert_eq!(layout(&[], HEIGHT, &[]).boxes, []);
        assert_eq!(layout(&[50.0], HEIGHT, &[]).size.0, 50.0 + 2.0 * GAP);
    }

    proptest! {
        #[test]
        fn boxes_and_lines_keep_clear_of_each_other(
            widths in prop::collection::vec(20.0..200.0_f64, 1..12),
            pairs in prop::collection::btree_set((0..12_usize, 0..12_usize), 0..24),
        ) {
            let count = widths.len();
            let edges = pairs.into_iter().filter(|(from, to)| from < to && *to < count);
            let edges: Vec<(usize, usize)> = edges.collect();
            let layout = layout(&widths, HEIGHT, &edges);
            prop_assert_eq!(&super::layout(&widths, HEIGHT, &edges), &layout);
            let sides = |place: usize| {
                let (x, _) = layout.boxes[place];
                (x - widths[place] / 2.0, x + widths[place] / 2.0)
            };
            for one in 0..count {
                let ((left, right), y) = (sides(one), layout.boxes[one].1);
                prop_assert!(left >= 0.0 && right <= layout.size.0, "{one} is outside");
                for other in one + 1..count {
                    let (its_left, its_right) = sides(other);
                    let apart = right < its_left || its_right < left;
                    prop_assert!(apart || layout.boxes[other].1 != y, "{one} and {other} overlap");
                }
            }
            for (&(from, to), line) in edges.iter().zip(&layout.lines) {
                prop_assert_eq!(line[0].0, layout.boxes[from].0);
                prop_assert_eq!(line[line.len() - 1].0, layout.boxes[to].0);
                prop_assert!(line.windows(2).all(|pair| pair[0].1 < pair[1].1), "{line:?}");
                // Where it passes a layer, the second of the two points is below that layer's middle.
                for pair in line[1..line.len() - 1].chunks(2) {
                    let (x, y) = (pair[0].0, (pair[0].1 + pair[1].1) / 2.0);
                    let hit = (0..count).any(|place| {
                        let (left, right) = sides(place);
                        layout.boxes[place].1 == y && left < x && x < right
                    });
                    prop_assert!(!hit, "a line runs through a box");
                }
            }
        }
    }
}
