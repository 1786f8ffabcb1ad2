/**
 * A digest in words that two people can read to each other: six of 256, 48 bits of it, most significant
 * first. The words are our own choice: short, known to children, and no two begin with the same four letters,
 * so that a word half heard is still one.
 *
 * 48 bits are for comparing by eye and ear within the life of a hold; what is signed is the whole digest.
 */
const WORDS = `
  acorn actor adobe alarm album amber angle ankle apple apron arena arrow atlas attic autumn bacon
  badge bagel bamboo banjo barrel basil basket beacon beaver bench berry bishop bison blanket
  blossom bonnet border bottle bridge bronze brush bubble bucket buffalo bugle butter cabin cactus
  camel candle canoe canyon carbon carpet castle cedar cello cement cherry chess chimney cigar
  cinema circus citrus clover cobalt cobra cocoa coffee comet compass copper coral cotton cradle
  crayon cricket crown crystal cube curtain daisy dancer dentist desert diamond dinner doctor
  dolphin donkey dragon drum dune eagle earth easel echo eclipse elephant emerald engine envelope
  fabric falcon feather ferry fiddle finger flamingo flute forest fossil fountain fox galaxy
  garden garlic gecko ginger giraffe glacier globe goblet gorilla granite grape guitar hammer
  harbor harvest hazel helmet heron hockey honey horizon indigo insect island ivory jacket jaguar
  jungle kayak kernel kettle kiwi koala ladder lagoon lantern lava lemon leopard library lily
  lobster lotus magnet mango maple marble meadow melon meteor mirror monkey mosaic mountain muffin
  museum napkin nectar needle noodle nutmeg oasis ocean octopus olive onion opera orbit orchid
  otter oxygen paddle palace panda papaya parrot peanut pebble pelican pencil pepper piano pigeon
  pillow pirate planet plum pocket poppy potato prairie pumpkin puzzle pyramid quartz rabbit radar
  raven ribbon river robin rocket saddle sailor salmon scarf shadow shovel silver sketch spider
  squash statue sunset syrup talon temple thunder tiger timber tomato tractor trumpet tulip tunnel
  turtle umbrella valley vanilla velvet violin vulture waffle walnut walrus whistle willow window
  winter wizard yogurt zebra zigzag zipper
`
  .trim()
  .split(/\s+/);

const WORDS_SHOWN = 6;

/** `digest`: lower-case hex of at least 12 characters. */
export function digestWords(digest: string): string {
  const bytes = Buffer.from(digest.slice(0, WORDS_SHOWN * 2), 'hex');
  return [...bytes].map((byte) => WORDS[byte]).join(' ');
}

/** As a person types them: any case, any white space or hyphens between. */
export function isDigestWords(typed: string, digest: string): boolean {
  const words = typed
    .toLowerCase()
    .split(/[\s-]+/)
    .filter((word) => word !== '');
  return words.join(' ') === digestWords(digest);
}
