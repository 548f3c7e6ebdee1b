// RUN: pqc opt %s -p lower-to-pqa --split-input-file | filecheck %s

// The nest of a layer comes from the schedule, where one is given. Two tiles a pass: a table is loaded once for both,
// and each tile has accumulators of its own until all blocks of subspaces are through.
// CHECK: [[I:%[^ ]+]] = pqa.allocate persistent
// CHECK: [[K:%[^ ]+]] = pqa.allocate : !pqa.region<codebook, 2>
// CHECK: pqa.encode source = [[I]], codebook = [[K]] <channels = 1, height = 2, width = 4, plane_stride = 16, row_stride = 4, {{.*}}subspaces = 1,
// CHECK: [[T:%[^ ]+]] = pqa.allocate : !pqa.region<table, 4>
// CHECK: [[A:%[^ ]+]] = pqa.allocate : !pqa.region<accumulator, 32>
// CHECK-NEXT: pqa.lookup table = [[T]], bias = [[R:%[^ ]+]], accumulator = [[A]] <bias_offset = 16, subspaces = 1, {{.*}}first = 1>
// CHECK-NEXT: pqa.encode source = [[I]], codebook = [[K]] <source_offset = 8,
// CHECK-NEXT: [[B:%[^ ]+]] = pqa.allocate : !pqa.region<accumulator, 32>
// CHECK-NEXT: pqa.lookup table = [[T]], bias = [[R]], accumulator = [[B]] <{{.*}}first = 1>

// The second block of subspaces adds to what the first one left.
// CHECK: [[K:%[^ ]+]] = pqa.allocate : !pqa.region<codebook, 2>
// CHECK: pqa.encode source = [[I]], codebook = [[K]] <source_offset = 16,
// CHECK: [[T:%[^ ]+]] = pqa.allocate : !pqa.region<table, 4>
// CHECK: pqa.lookup table = [[T]], accumulator = [[A]] <subspaces = 1,
// CHECK-NEXT: [[D:%[^ ]+]] = pqa.allocate
// CHECK-NEXT: pqa.requantize accumulator = [[A]], parameters = [[R]], destination = [[D]] <outputs = 2, rows = 2,
// CHECK-NEXT: pqa.store dram = [[Y:%[^ ]+]], address = [[D]] <item_bytes = 8, items = 1, rows = 1, planes = 2, dram_plane_stride = 16, plane_stride = 8>
// CHECK-NEXT: pqa.encode source = [[I]], codebook = [[K]] <source_offset = 24,
// CHECK-NEXT: pqa.lookup table = [[T]], accumulator = [[B]] <subspaces = 1,
// CHECK-NEXT: [[D:%[^ ]+]] = pqa.allocate
// CHECK-NEXT: pqa.requantize accumulator = [[B]],
// CHECK-NEXT: pqa.store dram = [[Y]], address = [[D]] <dram_offset = 8,
// CHECK-NEXT: }

builtin.module attributes {pqc.schedule = {layers = {pq = {columns = 4 : i64, inputs = 1 : i64, keep_codes = false, outputs = 2 : i64, resident = false, rows = 2 : i64, tiles = 2 : i64}}}, pqc.inputs = ["image"], pqc.outputs = ["y"], pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  func.func @main(%x: !pq.tensor<?x2x4x4xui8, 0.25>) -> !pq.tensor<?x2x4x4xsi8, 0.5> {
    %v = blob.constant <"v", "eaafd2ce99b57536"> : tensor<2xsi32>
    %codebook = blob.constant <"codebook", "9da7965c42203e8e"> : tensor<2x2x1xui8>
    %table = blob.constant <"table", "c1b35f5bc83863dc"> : tensor<2x2x2xsi8>
    %k = pq.encode %x, %codebook <[1, 1] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x2x4x4xui8, 0.25>, tensor<2x2x1xui8> -> !pq.codes<[?, 2, 4, 4], 2> loc("pq")
    %l = pq.lookup %k, %table, %v table_bits 8 : !pq.codes<[?, 2, 4, 4], 2>, tensor<2x2x2xsi8>, tensor<2xsi32> -> tensor<?x2x4x4xsi16> loc("pq")
    %p = qnn.requantize %l, %v, %v clip [-128, 2] : tensor<?x2x4x4xsi16>, tensor<2xsi32>, tensor<2xsi32> -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("pq")
    func.return %p : !pq.tensor<?x2x4x4xsi8, 0.5>
  }
}

// -----

// Kept codes: a tile is encoded once, to the activation buffer, and both blocks of outputs look its codes up. Resident
// tables: each is loaded once, before the first tile, and is still there for the second.
// CHECK: pqa.program
// CHECK: [[O:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 16>
// CHECK: pqa.encode source = [[I:%[^ ]+]], codebook = [[K:%[^ ]+]], destination = [[O]] <{{.*}}to_buffer = 1, code_plane_stride = 8, code_row_stride = 4>
// CHECK: [[T:%[^ ]+]] = pqa.allocate : !pqa.region<table, 4>
// CHECK: pqa.lookup table = [[T]], bias = [[R:%[^ ]+]], codes = [[O]], accumulator = %{{[^ ]+}} <bias_offset = 8, subspaces = 2, prototypes = 2, outputs = 1, output_rows = 2, output_columns = 4, table_bits = 8, first = 1, from_buffer = 1, groups = 2, height = 2, width = 4, plane_stride = 8, row_stride = 4,
// CHECK: pqa.store dram = [[Y:%[^ ]+]], address = %{{[^ ]+}} <item_bytes = 8, items = 1, rows = 1, planes = 1>
// CHECK-NOT: pqa.encode
// CHECK: [[U:%[^ ]+]] = pqa.allocate : !pqa.region<table, 4>
// CHECK: pqa.lookup table = [[U]], bias = [[S:%[^ ]+]], codes = [[O]],
// CHECK: pqa.store dram = [[Y]], address = %{{[^ ]+}} <dram_offset = 16, item_bytes = 8, items = 1, rows = 1, planes = 1>
// CHECK-NEXT: [[O:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 16>
// CHECK-NEXT: pqa.encode source = [[I]], codebook = [[K]], destination = [[O]] <source_offset = 8,
// CHECK-NOT: pqa.load
// CHECK: pqa.lookup table = [[T]], bias = [[R]], codes = [[O]],
// CHECK: pqa.lookup table = [[U]], bias = [[S]], codes = [[O]],

builtin.module attributes {pqc.schedule = {layers = {pq = {columns = 4 : i64, inputs = 2 : i64, keep_codes = true, outputs = 1 : i64, resident = true, rows = 2 : i64, tiles = 1 : i64}}}, pqc.inputs = ["image"], pqc.outputs = ["y"], pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  func.func @main(%x: !pq.tensor<?x2x4x4xui8, 0.25>) -> !pq.tensor<?x2x4x4xsi8, 0.5> {
    %v = blob.constant <"v", "eaafd2ce99b57536"> : tensor<2xsi32>
    %codebook = blob.constant <"codebook", "9da7965c42203e8e"> : tensor<2x2x1xui8>
    %table = blob.constant <"table", "c1b35f5bc83863dc"> : tensor<2x2x2xsi8>
    %k = pq.encode %x, %codebook <[1, 1] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x2x4x4xui8, 0.25>, tensor<2x2x1xui8> -> !pq.codes<[?, 2, 4, 4], 2> loc("pq")
    %l = pq.lookup %k, %table, %v table_bits 8 : !pq.codes<[?, 2, 4, 4], 2>, tensor<2x2x2xsi8>, tensor<2xsi32> -> tensor<?x2x4x4xsi16> loc("pq")
    %p = qnn.requantize %l, %v, %v clip [-128, 2] : tensor<?x2x4x4xsi16>, tensor<2xsi32>, tensor<2xsi32> -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("pq")
    func.return %p : !pq.tensor<?x2x4x4xsi8, 0.5>
  }
}
