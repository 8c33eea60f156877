// The texts of trim/looprow.js, apart from strings.js because they are loaded with the first file.

const closes = {
  well: "loops well",
  blend: "loops with a soft blend",
  jump: "loops with a jump",
};

// The page reserves one line for each of these sentences, and two for `seam` on phones.

export const loops = {
  find: "Find the smoothest loop",
  finding: "Looking…",
  hint: "Looks 2 s before and after this start.",
  best: ({ start }, clock) => `Smoothest nearby: ${clock(start)}`,
  found: ({ start, verdict }, clock) => `Smoothest nearby: ${clock(start)}, ${closes[verdict]}`,
  here: "This start is the smoothest nearby.",
  none: "No smoother start was found nearby.",
  seam: ({ seam, loop, isLoopChosen }) => {
    if (!seam) return loop === "blend" ? "The end runs softly into the start." : "";
    const isCut = loop === "cut";
    if (seam.verdict === "well") {
      return `This start loops well: ${isCut ? "a cut doesn’t show" : "a blend isn’t needed"}.`;
    }
    if (seam.verdict === "jump") return "The loop jumps: the clip is too short to blend.";
    if (isCut) return "A cut would show here. “Blend softly” softens it.";
    return `A cut would show here${isLoopChosen ? "" : ", so the loop is blended"}.`;
  },
};
