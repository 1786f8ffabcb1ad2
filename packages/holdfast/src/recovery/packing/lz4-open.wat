;; Opens one LZ4 block (LZ4 block format, 2022-07-31). Its bytes are a stranger's: every length and distance is
;; held against what is there, and nothing outside the one memory it is given can be reached whatever it does.
;;
;; lz4-open.ts has the module that this makes; lz4-block.test.ts holds it against this text.
(module
  (import "memory" "memory" (memory 1))

  ;; The block lies from `at` to `end`. It is opened to `start`, not beyond `limit`, and reaches back as far as
  ;; `floor`. Returns how many bytes it has become, -1: it is no block, or one that opens to more.
  (func (export "open")
    (param $at i32) (param $end i32) (param $start i32) (param $limit i32) (param $floor i32)
    (result i32)
    (local $to i32) (local $token i32) (local $bytes i32) (local $more i32) (local $distance i32)
    (local $from i32) (local $stop i32) (local $wideFrom i32) (local $wideTo i32)
    (local.set $to (local.get $start))
    ;; Copies of up to 64 bytes go by 16, and up to 15 too far: where there is room for that.
    (local.set $wideFrom (i32.sub (local.get $end) (i32.const 80)))
    (local.set $wideTo (i32.sub (local.get $limit) (i32.const 80)))
    (block $bad
      (loop $sequence
        ;; A block ends with literals, so there is another sequence.
        (br_if $bad (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $token (i32.load8_u (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))

        ;; Literals.
        (local.set $bytes (i32.shr_u (local.get $token) (i32.const 4)))
        (if (i32.eq (local.get $bytes) (i32.const 15))
          (then
            (loop $longer
              (br_if $bad (i32.ge_u (local.get $at) (local.get $end)))
              (local.set $more (i32.load8_u (local.get $at)))
              (local.set $at (i32.add (local.get $at) (i32.const 1)))
              (local.set $bytes (i32.add (local.get $bytes) (local.get $more)))
              (br_if $longer (i32.eq (local.get $more) (i32.const 255))))))
        (br_if $bad (i32.gt_u (local.get $bytes) (i32.sub (local.get $end) (local.get $at))))
        (br_if $bad (i32.gt_u (local.get $bytes) (i32.sub (local.get $limit) (local.get $to))))
        (local.set $stop (i32.add (local.get $to) (local.get $bytes)))
        (if
          (i32.and
            (i32.le_u (local.get $bytes) (i32.const 64))
            (i32.and
              (i32.le_s (local.get $at) (local.get $wideFrom))
              (i32.le_s (local.get $to) (local.get $wideTo))))
          (then
            (local.set $from (local.get $at))
            (loop $wide
              (v128.store align=1 (local.get $to) (v128.load align=1 (local.get $from)))
              (local.set $from (i32.add (local.get $from) (i32.const 16)))
              (local.set $to (i32.add (local.get $to) (i32.const 16)))
              (br_if $wide (i32.lt_u (local.get $to) (local.get $stop)))))
          (else (memory.copy (local.get $to) (local.get $at) (local.get $bytes))))
        (local.set $to (local.get $stop))
        (local.set $at (i32.add (local.get $at) (local.get $bytes)))
        (if (i32.eq (local.get $at) (local.get $end))
          (then (return (i32.sub (local.get $to) (local.get $start)))))

        ;; A match: what lies `distance` before it, once more.
        (br_if $bad (i32.lt_u (i32.sub (local.get $end) (local.get $at)) (i32.const 2)))
        (local.set $distance (i32.load16_u align=1 (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 2)))
        (local.set $bytes (i32.and (local.get $token) (i32.const 15)))
        (if (i32.eq (local.get $bytes) (i32.const 15))
          (then
            (loop $longer
              (br_if $bad (i32.ge_u (local.get $at) (local.get $end)))
              (local.set $more (i32.load8_u (local.get $at)))
              (local.set $at (i32.add (local.get $at) (i32.const 1)))
              (local.set $bytes (i32.add (local.get $bytes) (local.get $more)))
              (br_if $longer (i32.eq (local.get $more) (i32.const 255))))))
        (local.set $bytes (i32.add (local.get $bytes) (i32.const 4)))
        (br_if $bad (i32.eqz (local.get $distance)))
        (br_if $bad (i32.gt_u (local.get $distance) (i32.sub (local.get $to) (local.get $floor))))
        (br_if $bad (i32.gt_u (local.get $bytes) (i32.sub (local.get $limit) (local.get $to))))
        (local.set $stop (i32.add (local.get $to) (local.get $bytes)))
        (local.set $from (i32.sub (local.get $to) (local.get $distance)))
        (if
          (i32.and
            (i32.ge_u (local.get $distance) (i32.const 16))
            (i32.and
              (i32.le_u (local.get $bytes) (i32.const 64))
              (i32.le_s (local.get $to) (local.get $wideTo))))
          (then
            (loop $wide
              (v128.store align=1 (local.get $to) (v128.load align=1 (local.get $from)))
              (local.set $from (i32.add (local.get $from) (i32.const 16)))
              (local.set $to (i32.add (local.get $to) (i32.const 16)))
              (br_if $wide (i32.lt_u (local.get $to) (local.get $stop)))))
          (else
            (if (i32.lt_u (local.get $bytes) (i32.const 32))
              (then
                (loop $narrow
                  (i32.store8 (local.get $to) (i32.load8_u (local.get $from)))
                  (local.set $from (i32.add (local.get $from) (i32.const 1)))
                  (local.set $to (i32.add (local.get $to) (i32.const 1)))
                  (br_if $narrow (i32.lt_u (local.get $to) (local.get $stop)))))
              (else
                ;; It may overlap what it repeats: each step takes all that there is by then, at least `distance`.
                (loop $doubling
                  (local.set $bytes (i32.sub (local.get $to) (local.get $from)))
                  (if
                    (i32.gt_u
                      (local.get $bytes)
                      (i32.sub (local.get $stop) (local.get $to)))
                    (then (local.set $bytes (i32.sub (local.get $stop) (local.get $to)))))
                  (memory.copy (local.get $to) (local.get $from) (local.get $bytes))
                  (local.set $to (i32.add (local.get $to) (local.get $bytes)))
                  (br_if $doubling (i32.lt_u (local.get $to) (local.get $stop))))))))
        (local.set $to (local.get $stop))
        (br $sequence)))
    (i32.const -1)))
