// The texts of trim/looprow.js, apart from strings.js because they are loaded with the first file.

const closes = {
  well: "loops well",
  blend: "loops with a soft blend",
  jump: "loops with a jump",
};

export const loops = {
  find: "Find the smoothest loop",
  finding: "Looking…",
  best: ({ start, verdict }, clock) => `Smoothest nearby: ${clock(start)}, ${closes[verdict]}`,
  here: ({ verdict }) => `This start is the smoothest nearby: it ${closes[verdict]}.`,
  none: "No smoother start was found nearby.",
  seam: ({ seam, loop, isLoopChosen }) => {
    if (!seam) return loop === "blend" ? "The end runs softly into the start." : "";
    const jumps = "Here a cut would show";
    if (seam.verdict === "well") {
      return loop === "cut" ? "This start loops well: a cut doesn’t show." : "This start loops well: a blend isn’t needed.";
    }
    if (loop === "cut") return `${jumps}. Choose “Blend softly” to hide it.`;
    const chosen = isLoopChosen ? "" : ", so Chromi blends the end into the start";
    return seam.verdict === "blend"
      ? `${jumps}${chosen}.`
      : `${jumps}${chosen}. Start and end are very different, so a blend may show too.`;
  },
};
